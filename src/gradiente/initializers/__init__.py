"""Where the parameters start."""
