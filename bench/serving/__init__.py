"""Serving, Surehand and its peers side by side: one ONNX file, one load generator, one run."""
