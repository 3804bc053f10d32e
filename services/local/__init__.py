"""Local mode: Redis and all three services on one machine, from one command."""
