"""What changed over all projects, for readers that would else ask project by project."""
