"""Predict: check the items, score, route, deliver, log, answer."""
