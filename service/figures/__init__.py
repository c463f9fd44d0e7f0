"""Arrays to figures to bytes: PNG, SVG and PDF, the same bytes for the same arrays."""
