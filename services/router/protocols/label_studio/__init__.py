"""The machine-learning backend that Label Studio connects to."""
