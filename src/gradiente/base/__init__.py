"""What everything may use: errors, types, trees of arrays, source lines."""
