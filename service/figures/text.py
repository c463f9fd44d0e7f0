"""Text: measuring, cleaning and wrapping it.

The only font is the DejaVu Sans in Matplotlib's package, addressed by its path, so that a picture
does not depend on the fonts of the machine. Sizes and widths are in points.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import get_font

FONT_PATH = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
_WEIGHT = re.compile(r"\bw_(in|rec)\b")


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Return the width of one line of text, with 3 % more for hinting at other resolutions."""
    face = get_font(FONT_PATH)
    face.set_size(size, 100)  # hinting widens small text
    face.set_text(text)
    return 1.03 * 0.72 * float(face.get_width_height()[0]) / 64


def printable(text: str) -> str:
    """Replace characters missing from the font by boxes, and control characters by spaces.

    Runs of spaces become one space.
    """
    face = get_font(FONT_PATH)
    shown = []
    for character in text:
        if unicodedata.category(character)[0] in "CZ":
            shown.append(" ")
        else:
            shown.append(character if face.get_char_index(ord(character)) else "□")
    return " ".join("".join(shown).split())


def shorten(text: str, size: float, width: float) -> str:
    """Truncate text to a width, with an ellipsis if it was too long."""
    if text_width(text, size) <= width:
        return text
    lengths = range(1, len(text))
    fitting = bisect_right(lengths, width, key=lambda n: text_width(_cut(text, n), size))
    return _cut(text, fitting)


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip() + "…"


def wrap(text: str, size: float, width: float) -> list[str]:
    """Break text at a space into at most two lines, which are truncated to fit."""
    words = text.split()
    starts = {n: " ".join(words[:n]) for n in range(1, len(words) + 1)}
    n = max((n for n, start in starts.items() if text_width(start, size) <= width), default=1)
    lines = starts.get(n, ""), " ".join(words[n:])
    return [shorten(line, size, width) for line in lines if line]


def typeset(text: str) -> str:
    """Return mathtext that shows a text literally, but w_in and w_rec as symbols.

    Unicode has no subscript c. The symbols are narrower than the literal text, so they fit if the
    text fits.
    """
    return _WEIGHT.sub(r"$\\mathrm{w_{\1}}$", text.replace("$", r"\$"))
