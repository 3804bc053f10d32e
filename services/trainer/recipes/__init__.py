"""Recipes: ways to fit a model version and export it as one ONNX graph from raw fields."""

# The recipe of a version that was made elsewhere.
OWN = "own"
