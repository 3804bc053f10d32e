"""Which trainer works for a project and writes its documents."""
