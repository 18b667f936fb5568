"""JAX: the training, and a function for each kind of network."""
