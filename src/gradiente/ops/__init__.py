"""What an operation is: its value, its type, its local gradient."""
