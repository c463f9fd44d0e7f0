"""The HTTP server: its socket, its connections, its start and its shutdown."""
