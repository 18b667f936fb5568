"""A graph becomes a better graph of the same meaning."""
