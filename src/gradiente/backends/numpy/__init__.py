"""Run each definition in order: the reference backend."""
