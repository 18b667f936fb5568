"""What is run by hand, or by a test, to keep the repository in order."""
