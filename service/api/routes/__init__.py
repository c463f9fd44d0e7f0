"""The routes, one module per resource: each reads a request, calls a use case and responds."""
