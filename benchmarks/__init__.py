"""Benchmarks of the service against other implementations: `make bench` and `make bench-quick`."""
