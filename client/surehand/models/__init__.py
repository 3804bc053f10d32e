"""What services answer, as pydantic models: tolerant of members that they do not know."""
