"""One module per resource: each reads a request, calls one use case and writes the response."""
