"""A function of one sample becomes a function of many: `vmap` and the rules it works by."""
