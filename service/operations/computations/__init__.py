"""Training runs, basin maps and fits: computations that are stored, at once or as jobs."""
