"""What a team writes first: FastAPI with pydantic models."""
