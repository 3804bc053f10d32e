"""MLServer, with a runtime of our own: it has none for a bare ONNX file."""
