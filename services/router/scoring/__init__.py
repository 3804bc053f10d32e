"""Scoring: items in, class probabilities out, with ONNX Runtime."""
