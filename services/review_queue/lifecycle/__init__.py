"""The lifecycle of tasks: what may happen to them, and what it changes."""
