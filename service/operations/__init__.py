"""Use cases: from a request model to a response model or a file, for routes and workers.

A use case that computes receives a resolved dataset: `Context.run` checks the limits and finds it.
"""
