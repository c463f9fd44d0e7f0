"""The client, asynchronous. `make build` writes ``_sync`` from it."""
