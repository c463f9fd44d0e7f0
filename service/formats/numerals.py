"""Numbers as text: their decimal mark, thousands separators, signs of units, and missing ones."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from service.engine.types import Array
from service.errors import Invalid
from service.formats.text import Line

MARKS: Final = {",": "comma", ".": "point"}
OTHER: Final = {",": ".", ".": ","}
BLANKS: Final = " '\u2019\u00a0\u202f\u2009"  # between thousands, in any table
MINUS: Final = "\u2212"
# Every quantifier is possessive, because backtracking in long lines would take quadratic time.
# Numbers whose only marks divide thousands, optionally followed by the other mark.
THOUSANDS: Final = {
    mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:[{mark}]\d{{3}})++(?:[{OTHER[mark]}]\d*+)?")
    for mark in MARKS
}
# Numbers by their decimal mark, with separators between thousands.
GROUPED: Final = {
    mark: re.compile(
        rf"[+-]?(?:\d{{1,3}}(?:([{OTHER[mark]}{BLANKS}])\d{{3}}(?:\1\d{{3}})*+)?|\d*+)"
        rf"(?:[{mark}]\d*+)?(?:[eE][+-]?\d++)?",
        re.ASCII,
    )
    for mark in MARKS
}
NUMERAL: Final = re.compile(rf"[+-]?[\d.,]*+(?:[{BLANKS}]\d[\d.,]*+)*+(?:[eE][+-]?\d++)?", re.ASCII)
# The signs of a unit that a whole column can have.
SIGNS: Final = re.compile(
    r"%|\u2030|US\$|C\$|A\$|R\$|[$\u20ac\u00a3\u00a5\u20b9\u20ba\u20bd\u20a9]"
    r"|CHF|EUR|USD|GBP|JPY|SEK|NOK|DKK|PLN|CZK|Fr\.|kr\.?|z\u0142|K\u010d"
)
MISSING: Final = re.compile(
    r"|na|n/a|n\.a\.?|n\.d\.?|k\.a\.?|nan|null|none|nil|missing|[-.?\u2013\u2014\u2026]|--|\.\.|\.\.\."
    r"|#n/a|#nv|#n/v|#div/0!|#value!|#wert!|#ref!|#num!|\\n|<na>|not available",
    re.IGNORECASE,
)


class Numerals(NamedTuple):
    """The notation of the numbers of a table."""

    decimal: str = "."
    proof: Line | None = None  # with the number that shows the decimal mark; None if it is given
    missing: str | None = None  # another text of missing numbers

    def is_missing(self, field: str) -> bool:
        """Return True for a text that stands for no number."""
        return MISSING.fullmatch(field) is not None or field == self.missing

    def read(self, fields: Sequence[str], sign: str = "") -> Array:
        """Return numbers (n,), nan for missing ones and for text.

        Parameters
        ----------
        sign
            The sign of the unit that every number has.
        """
        whole = "\n".join(fields)
        is_plain = not sign and (self.missing is None or self.missing not in whole)
        if is_plain and not (self.decimal == "," and "." in whole):
            texts = whole.replace(",", ".").split("\n") if self.decimal == "," else fields
            try:
                return np.fromiter(map(float, texts), np.float64, len(texts))
            except ValueError:
                pass
        return np.fromiter((self.parse(field, sign) for field in fields), np.float64, len(fields))

    def parse(self, field: str, sign: str = "") -> float:
        """Return a number, nan for a missing one and for text."""
        if field == self.missing or (sign and sign not in field):
            return np.nan
        text = field.replace(sign, "", 1).strip() if sign else field
        text = text.replace(MINUS, "-", 1)
        match = GROUPED[self.decimal].fullmatch(text)
        if match is not None:
            mark = match[1]
            text = text if mark is None else text.replace(mark, "")
            text = text.replace(self.decimal, ".")
        elif self.decimal == "," or "_" in text:
            return np.nan
        try:
            return float(text)
        except ValueError:
            return np.nan


def find_sign(fields: Iterable[str]) -> str:
    """Return the sign of a unit that all numbers of a column have; empty without one."""
    sign = ""
    for field in fields:
        if MISSING.fullmatch(field):
            continue
        match = SIGNS.search(field)
        if match is None or (sign and match[0] != sign):
            return ""
        sign = match[0]
    return sign


def is_numeral(field: str, sign: str = "") -> bool:
    """Return True for a number in any notation."""
    text = field.replace(sign, "", 1).strip() if sign else field
    text = text.replace(MINUS, "-", 1)
    is_any = NUMERAL.fullmatch(text) is not None
    return is_any and any(letter.isdigit() for letter in text)


class DecimalMark:
    """The search for the decimal mark of a table, in one number after the other.

    Parameters
    ----------
    separator
        The separator of fields; beside commas, points are decimal.
    """

    def __init__(self, separator: str) -> None:
        self._ambiguous = {*MARKS} - ({"."} if separator == "," else set())
        self._first: tuple[Line, str] | None = None

    def look(self, line: Line, field: str, sign: str = "") -> Numerals | None:
        """Return the notation if a number proves it."""
        if "," not in field and "." not in field:
            return None
        text = (field.replace(sign, "", 1) if sign else field).strip().replace(MINUS, "-", 1)
        text = "".join(text.split()).translate({ord(blank): None for blank in BLANKS})
        marks = [letter for letter in text if letter in MARKS]
        last = marks[-1]
        mantissa = text.lower().partition("e")[0]
        if OTHER[last] in marks or not THOUSANDS[last].fullmatch(mantissa):
            is_number = GROUPED[last].fullmatch(text) is not None
            return Numerals(last, line) if is_number else None
        if len(marks) > 1:
            return Numerals(OTHER[last], line)
        if last not in self._ambiguous:
            return Numerals(last, line)
        self._first = self._first or (line, text)
        return None

    def check(self, pointer: str, advice: str) -> None:
        """Raise Invalid if the numbers can be read in two ways."""
        if self._first is None:
            return
        line, number = self._first
        mark = "," if "," in number else "."
        decimal, whole = number.replace(",", "."), number.replace(mark, "")
        readings = f"{decimal} with a decimal {MARKS[mark]}, or {whole} with a thousands separator"
        detail = f"{cite(line)}: {number} is ambiguous: {readings}; {advice}"
        repairs = [
            {"label": f"{number} is {value}", "query": {"decimal": each}}
            for value, each in ((decimal, mark), (whole, OTHER[mark]))
        ]
        raise Invalid(detail, pointer, line=line[0], repairs=repairs)


MAX_SHOWN: Final = 40  # characters of a line or a field in a message


def cite(line: Line) -> str:
    """Return the number and the beginning of a line, for a message."""
    number, text = line
    return f"line {number} ({shorten(text)})"


def shorten(text: str) -> str:
    """Return a text in quotes, for a message."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")
