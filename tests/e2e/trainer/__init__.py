"""End-to-end tests of the trainer."""
