"""Text that always fits: measuring, cleaning, wrapping, numbers in words of Unicode.

The only font is DejaVu Sans as Matplotlib ships it, by its path, so that a picture does not depend
on the machine's fonts.  Powers of ten use superscript characters: Matplotlib's own mathematics is
ten times slower, and a ``$`` in a title must stay a dollar.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, get_font

from service.figures.style import CSS_DPI

FONT_PATH = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
BOLD_PATH = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf")
POINTS_PER_CSS = 72 / CSS_DPI
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@lru_cache(maxsize=64)
def font_of(size: float, *, bold: bool = False) -> FontProperties:
    """Return DejaVu Sans at ``size`` CSS pixels."""
    return FontProperties(fname=BOLD_PATH if bold else FONT_PATH, size=size * POINTS_PER_CSS)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of one line of text in CSS pixels, with the little that hinting may add to it."""
    font = get_font(BOLD_PATH if bold else FONT_PATH)
    font.set_size(size * POINTS_PER_CSS, CSS_DPI)
    font.set_text(text)
    return 1.03 * float(font.get_width_height()[0]) / 64


@lru_cache(maxsize=1024)
def printable(text: str) -> str:
    """Replace what the font cannot draw by a box, controls and runs of space by one space."""
    font = get_font(FONT_PATH)
    shown = []
    for character in text:
        if unicodedata.category(character)[0] in "CZ":
            shown.append(" ")
        else:
            shown.append(character if font.get_char_index(ord(character)) else "□")
    return " ".join("".join(shown).split())


def shorten(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Cut text to ``width`` CSS pixels, with an ellipsis where something was lost."""
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def wrap(text: str, size: float, width: float, max_lines: int, *, bold: bool = False) -> list[str]:
    """Break text at spaces into at most ``max_lines`` lines; the last one is cut to fit."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < max_lines - 1:
        n = len(words)
        while n > 1 and text_width(" ".join(words[:n]), size, bold=bold) > width:
            n -= 1
        lines.append(shorten(" ".join(words[:n]), size, width, bold=bold))
        words = words[n:]
    if words:
        lines.append(shorten(" ".join(words), size, width, bold=bold))
    return lines


def power_of_ten(exponent: int) -> str:
    """``10⁻³`` for -3."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def number(value: float, digits: int = 6) -> str:
    """Write a number for people: 0.5, and superscripts where ``%g`` has an exponent."""
    text = f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    mantissa = "0" if mantissa == "-0" else mantissa.replace("-", MINUS)
    if not exponent:
        return mantissa.replace("inf", "∞")
    power = power_of_ten(int(exponent))
    return {"1": power, f"{MINUS}1": MINUS + power}.get(mantissa, f"{mantissa}{TIMES}{power}")


def log10_number(log10_value: float, digits: int = 3) -> str:
    """Return the positive number 10**log10_value, also far beyond float64."""
    if log10_value == float("-inf"):
        return "0"
    if abs(log10_value) < 300:
        return number(10.0**log10_value, digits)
    exponent = int(log10_value // 1)
    mantissa = 10.0 ** (log10_value - exponent)
    return f"{mantissa:.{digits}g}{TIMES}{power_of_ten(exponent)}"


def pair(w_in: float, w_rec: float) -> str:
    """Name a point by its weights: ``(1, 0.5)``."""
    return f"({number(w_in)}, {number(w_rec)})"
