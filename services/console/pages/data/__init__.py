"""Data: upload, the pool, label counts, suspects and export."""
