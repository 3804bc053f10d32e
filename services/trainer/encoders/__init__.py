"""A project's own encoder: an ONNX graph from items' fields to vectors, which `head` learns on."""
