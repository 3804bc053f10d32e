"""Parquet: written row group by row group, read in a process with bounded memory and time."""
