"""Versions and encoders that were made elsewhere: an ONNX file, and a manifest by its maker."""
