"""The labelling of a pool: automatic batches, the learning curve, and when to stop."""
