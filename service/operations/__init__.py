"""Use cases: from a request model to a response model or a file, for routes and workers.

A use case that computes gets its dataset resolved; `Context.run` finds it and checks the limits.
"""
