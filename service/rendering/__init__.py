"""Pictures: requests as values, and a pool of processes that draw them.

A request is sent by :class:`.pool.RenderPool` to a process, where :func:`.draw.draw` converts it
to bytes.
"""
