"""What clients send and get, as pydantic models. No logic but validation."""
