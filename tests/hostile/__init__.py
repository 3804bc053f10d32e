"""Hostile input, byte by byte: bounded in size, time and memory, and refused with a problem."""
