"""From LLVM text to machine code: the CPU, the compiler, the cache of what it made."""
