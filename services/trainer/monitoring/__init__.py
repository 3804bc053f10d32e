"""What the trainer finds in the traffic: drift, failing slices, and what to label again."""
