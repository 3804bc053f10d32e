"""How many labels a strategy needs for what labels drawn at random bring."""
