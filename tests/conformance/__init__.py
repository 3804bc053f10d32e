"""Each service does what its OpenAPI document says: no more, no less, and never a fault of ours."""
