"""Arrays to Matplotlib figures to bytes, without pyplot, HTTP or files.

Sizes are in CSS pixels, 100 per inch; ``dpi`` scales only the PNG.
"""

# Incremented whenever the same request would be drawn as different bytes.
RENDERER_VERSION = 12
