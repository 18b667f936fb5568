"""The step, the loop, callbacks and checkpoints."""
