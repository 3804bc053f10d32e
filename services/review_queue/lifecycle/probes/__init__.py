"""Probes: gold given to reviewers among their tasks."""
