"""The history of deliveries."""
