"""Graphs compiled for this CPU by LLVM: kernels, memory and threads, not yet all functions."""
