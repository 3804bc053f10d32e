"""The first project: upload, labels, promise, invitation."""
