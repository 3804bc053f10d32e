"""Versions that were made elsewhere: an ONNX file, and what its maker says of it."""
