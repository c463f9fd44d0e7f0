"""Pictures: requests as values, a pool of processes that draw them, and a cache.

A request goes through :class:`.pool.RenderPool` to a process, where :func:`.draw.draw` turns it
into bytes; :class:`.cache.PictureCache` keeps the bytes.
"""
