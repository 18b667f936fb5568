"""The libraries, each in its best idiom: `Training`, and a module for each kind of network."""
