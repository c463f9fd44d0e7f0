"""The client, asynchronous. `make openapi` writes ``_sync`` from it."""
