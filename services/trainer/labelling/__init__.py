"""The labelling of a pool: batches by themselves, the learning curve, and when to stop."""
