"""Text: measuring, cleaning and wrapping it, and formatting numbers in Unicode.

The only font is the DejaVu Sans in Matplotlib's package, addressed by its path, so that a picture
does not depend on the fonts of the machine. Powers of ten use superscript characters, because
Matplotlib's mathtext, which is used only for the weights, is ten times slower. Sizes and widths are
in points.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, get_font

FONT_PATH = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
FONT = FontProperties(fname=FONT_PATH)
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_WEIGHT = re.compile(r"\bw_(in|rec)\b")
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


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


def format_power_of_ten(exponent: int) -> str:
    """Return ``10⁻³`` for -3."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def format_number(value: float, digits: int = 6) -> str:
    """Format a number as ``%g`` does, with a power of ten instead of its exponent."""
    text = f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    mantissa = "0" if mantissa == "-0" else mantissa.replace("-", MINUS)
    if not exponent:
        return mantissa.replace("inf", "∞")
    power = format_power_of_ten(int(exponent))
    return {"1": power, f"{MINUS}1": MINUS + power}.get(mantissa, f"{mantissa}{TIMES}{power}")


def format_log10_number(log10_value: float, digits: int = 3) -> str:
    """Write the number 10**log10_value, also outside the float64 range."""
    if log10_value == float("-inf"):
        return "0"
    if abs(log10_value) < 300:
        return format_number(10.0**log10_value, digits)
    exponent = int(log10_value // 1)
    mantissa = f"{10.0 ** (log10_value - exponent):.{digits}g}"
    if mantissa == "10":
        mantissa, exponent = "1", exponent + 1
    return f"{mantissa}{TIMES}{format_power_of_ten(exponent)}"


def format_weights(w_in: float, w_rec: float) -> str:
    """Return ``(1, 0.5)`` for w_in 1 and w_rec 0.5."""
    return f"({format_number(w_in)}, {format_number(w_rec)})"
