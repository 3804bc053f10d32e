"""Recipes: ways to fit a model version and export it as one ONNX graph from raw fields."""

from shared.contracts.projects import RECIPES as _NAMES

# The recipe of a version that was made elsewhere.
OWN = "own"
# A recipe's module is imported by the process that trains with it, not by the service.
RECIPES = {name: f"{__name__}.{name.replace('-', '_')}" for name in _NAMES}
