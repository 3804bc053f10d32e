"""The images of calls, decoded in turns."""
