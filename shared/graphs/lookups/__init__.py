"""Text models whose long rows of terms become look-ups, when they are loaded."""
