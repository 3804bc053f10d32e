"""The decision log, and the shadow log beside it: rows in local segments, shipped to the store."""
