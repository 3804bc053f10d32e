"""How long the console's first page takes over many projects and tasks."""
