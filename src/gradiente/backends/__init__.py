"""A graph becomes a callable."""
