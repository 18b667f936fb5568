"""gradiente: the training, and a builder for each kind of network."""
