"""What `mkdocs` needs to make the documentation site of the repository."""
