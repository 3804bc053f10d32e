"""Import and export of tasks with all that people said of them, streamed, in four formats."""
