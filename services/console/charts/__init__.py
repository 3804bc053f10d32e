"""Charts: Vega-Lite specifications written with Altair, each with its table and a summary."""
