"""Pictures: what to draw as values, and the processes that draw them."""
