"""Pictures: requests as values, and a pool of processes that draw them.

A request goes through :class:`.pool.RenderPool` to a process, where :func:`.draw.draw` turns it
into bytes.
"""
