"""Where an item's time goes, step by step, and how long the next one will wait."""
