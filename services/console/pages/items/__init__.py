"""One item: why it went to a person, and all that happened to it."""
