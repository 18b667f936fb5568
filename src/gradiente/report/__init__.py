"""The report on a training: one HTML file, and the figures in it."""
