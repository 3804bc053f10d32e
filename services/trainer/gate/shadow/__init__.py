"""The shadow stage: champion and challenger on the same live items, before it answers any."""
