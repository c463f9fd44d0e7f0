"""What the service's speed is measured against; `make bench` and `make bench-quick`."""
