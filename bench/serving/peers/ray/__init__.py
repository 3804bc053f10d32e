"""Ray Serve, one replica on a one-CPU cluster of its own."""
