"""The promise: which answers a model version may give alone, proved from blind verdicts."""
