"""Use cases: from a request model to a response model or a file, for routes and workers.

A use case that computes receives a resolved dataset: `context`, `resolve` and `submit` look it up
and check its size.
"""
