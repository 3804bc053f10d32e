"""BentoML, as `bentoml serve` runs it."""
