"""The draws that decide which items are audited, and which the challenger scores (pure)."""
