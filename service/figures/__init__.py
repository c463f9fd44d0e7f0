"""Arrays to Matplotlib figures to bytes.  No pyplot, no HTTP, no files.

A picture is laid out in *points of the page*: CSS pixels, a hundred to the inch, the origin at the
lower left.  ``dpi`` scales the png and nothing else.  Axes are drawn by :mod:`.sheet` and
:mod:`.axis` rather than by Matplotlib's own ``Axes``: creating and drawing those takes most of the
time of an ordinary figure, their ticks lose digits in windows of 1e-9, and their layout cannot be
known before it is drawn.
"""

RENDERER_VERSION = 1
"""Raised whenever the same request would be drawn as different bytes."""
