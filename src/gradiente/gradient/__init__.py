"""Backpropagation: the reverse pass and what is built on it."""
