"""What the gradient is doing."""
