"""The kernels: for every family of operations, the code that computes it."""
