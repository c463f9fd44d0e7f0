"""Formulas in TeX as MathML, with the spacing of TeX."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element, fromstring, register_namespace, tostring

from latex2mathml.converter import convert

NAMESPACE: Final = "http://www.w3.org/1998/Math/MathML"
MINUS: Final = "\N{MINUS SIGN}"
# Operators for the converter, which browsers would surround by space.
SYMBOLS: Final = {"\N{INFINITY}", "\N{DOWN TACK}"}
OPERATORS: Final = {"±"}  # identifiers for the converter
WITHOUT_SPACE: Final = {"|", "/"}  # each "|" may open or close
CLOSING: Final = {")", "]", "|"}
PRIMES: Final = {"\N{PRIME}", "\N{DOUBLE PRIME}"}  # glyphs that are small and raised already
ROWS: Final = {f"{{{NAMESPACE}}}{tag}" for tag in ("math", "mrow", "mtd", "msqrt")}
FUNCTIONS: Final = {"ln", "log"}
THIN: Final = "0.167em"

register_namespace("", NAMESPACE)


def typeset(tex: str, *, is_block: bool) -> str:
    """Return a formula as MathML.

    Parameters
    ----------
    tex
        The formula in TeX.
    is_block
        True for a line of its own, and False for a part of a paragraph.
    """
    root = fromstring(convert(tex.strip(), display="block" if is_block else "inline"))  # noqa: S314
    for parent in list(root.iter()):
        children = [*map(_correct, parent)]
        parent[:] = _space(children) if parent.tag in ROWS else children
    return tostring(root, encoding="unicode")


def _is(element: Element, tag: str) -> bool:
    return element.tag == f"{{{NAMESPACE}}}{tag}"


def _make(tag: str, text: str = "", **attributes: str) -> Element:
    element = Element(f"{{{NAMESPACE}}}{tag}", attributes)
    element.text = text
    return element


def _correct(element: Element) -> Element:
    """Return an element as a browser should display it."""
    if _is(element, "msup") and element[1].text in PRIMES:
        row = _make("mrow")
        row[:] = [element[0], _make("mo", element[1].text, lspace="0", rspace="0")]
        return row
    if element.text in SYMBOLS:
        element.tag = f"{{{NAMESPACE}}}mi"
    elif element.text in OPERATORS:
        element.tag = f"{{{NAMESPACE}}}mo"
    elif element.text in WITHOUT_SPACE:
        element.attrib |= {"lspace": "0", "rspace": "0"}
    return element


def _space(elements: list[Element]) -> Iterator[Element]:
    """Yield the elements of a row, with signs, and with spaces around the names of functions."""
    previous: Element | None = None
    for element, following in pairwise([*elements, None]):
        assert element is not None  # noqa: S101
        is_first = previous is None or (_is(previous, "mo") and previous.text not in CLOSING)
        if element.text == MINUS:
            element.set("form", "prefix" if is_first else "infix")
        is_function = (element if len(element) == 0 else element[0]).text in FUNCTIONS
        if is_function and not is_first:
            yield _make("mspace", width=THIN)
        yield element
        if is_function and following is not None and following.text != "(":
            yield _make("mspace", width=THIN)
        if not _is(element, "mspace"):
            previous = element
