"""Writing LLVM's language: typed values, operators, loops."""
