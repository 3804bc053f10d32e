"""What projects cost that nobody uses."""
