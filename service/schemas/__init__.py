"""What requests and answers look like: pydantic models, a file per resource."""
