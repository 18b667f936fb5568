"""Tables and arrays become batches."""
