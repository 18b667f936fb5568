"""The functions of formulas, as inlined polynomials on LLVM values."""
