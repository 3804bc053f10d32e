"""What idle projects cost."""
