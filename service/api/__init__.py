"""HTTP: a router per resource, and the one table from exceptions to status numbers."""
