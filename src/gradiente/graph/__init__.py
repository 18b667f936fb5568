"""The program as data: nodes, graphs, walking, verifying, printing."""
