"""Graphs compiled for this CPU by LLVM."""
