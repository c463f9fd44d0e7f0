"""Numerical engine: numpy arrays in, numpy arrays out; no HTTP, JSON or files."""
