"""The promotion gate: its tests, their record, and how a version takes the champion's place."""
