"""The tests of the service, its documents and its benchmarks."""
