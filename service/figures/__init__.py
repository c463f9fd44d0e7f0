"""Arrays to Matplotlib figures to bytes, without pyplot, HTTP or files.

Positions are in CSS pixels, 100 per inch, from the lower left corner of the canvas; ``dpi`` scales
only the PNG. Axes are drawn by :mod:`.frame` instead of Matplotlib's ``Axes``: creating and drawing
an ``Axes`` takes most of the time of an ordinary figure, its tick labels lose digits in windows
narrower than 1e-13, and its layout is known only after it is drawn.
"""

# Incremented whenever the same request would be drawn as different bytes.
RENDERER_VERSION = 10
