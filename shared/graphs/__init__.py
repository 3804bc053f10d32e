"""ONNX graphs, as the router and the trainer run them: fed from items, and never trusted."""
