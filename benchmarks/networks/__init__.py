"""The kinds of network that are trained: their sizes, arithmetic, data and starting weights."""
