"""The libraries, each in its best idiom: one file, one class `Training`."""
