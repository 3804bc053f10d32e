"""What a call is refused for before it costs anything: too much load, or too many items."""
