"""Shadow stages go on: live items are scored by both versions, and verdicts end the stage."""
