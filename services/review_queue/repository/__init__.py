"""What every repository uses to write its statements."""
