"""Draw figures with Matplotlib; equal figures become equal pixels and bytes.

Matplotlib holds the GIL, so draw in several processes, or one picture at a time in a thread. Its
settings that change a picture are global; they are set once, at import, whatever the user's
settings file contains.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""RGBA (rows, columns, 4), top row first."""

_SETTINGS = frozenset(
    ["agg", "figure", "image", "lines", "markers", "patch", "path", "pdf", "savefig", "svg", "text"]
)
mpl.rcParams.update(
    {key: mpl.rcParamsDefault[key] for key in mpl.rcParams if key.partition(".")[0] in _SETTINGS}
)
mpl.rcParams["svg.hashsalt"] = "linear-rnn"  # derives ids from contents


def rasterize(figure: Figure) -> Pixels:
    """Draw a figure with Agg and return its pixels."""
    width, height = figure.bbox.size  # Matplotlib's own canvas would truncate 255.9999 to 255.
    renderer = RendererAgg(round(width), round(height), figure.dpi)  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    return np.asarray(renderer.buffer_rgba())  # type: ignore[no-untyped-call]
