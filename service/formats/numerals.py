"""Numbers as text: their decimal mark, thousands separators, signs of units, and missing ones."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from service.engine.types import Array
from service.errors import Invalid
from service.formats.repairs import offer
from service.formats.text import Line
from service.values.dates import SHORT

MARKS: Final = {",": "comma", ".": "point"}
OTHER: Final = {",": ".", ".": ","}
BLANKS: Final = " '\u2019\u00a0\u202f\u2009"  # between thousands, in any table
NO_BLANKS: Final = str.maketrans("", "", BLANKS)
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
LOGICAL: Final = {"true": 1.0, "false": 0.0}
# Pairs of words that are 1 and 0 if a column has both of one pair, and no other values.
SWITCHES: Final = {
    pair: dict(zip(pair.split("/"), (1.0, 0.0), strict=True))
    for pair in (
        *("true/false", "on/off", "yes/no", "y/n", "ein/aus", "an/aus", "ja/nein", "j/n"),
        *("wahr/falsch", "oui/non", "vrai/faux"),
    )
}
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
    missing: str | None = None  # another text of missing numbers, or a number that stands for them

    def is_missing(self, field: str) -> bool:
        """Return True for a text that stands for no number."""
        is_other = field == self.missing or self.parse(field) == self._sentinel
        return MISSING.fullmatch(field) is not None or is_other

    @property
    def _sentinel(self) -> float:
        """The number that stands for missing ones; nan for none."""
        return np.nan if self.missing is None else self.parse(self.missing)

    def read(self, fields: Sequence[str], sign: str = "") -> Array:
        """Return numbers (n,), nan for missing ones and for text.

        Parameters
        ----------
        sign
            The sign of the unit that every number has.
        """
        numbers = self._read_all(fields, sign)
        numbers[numbers == self._sentinel] = np.nan
        return numbers

    def _read_all(self, fields: Sequence[str], sign: str) -> Array:
        whole = "\n".join(fields)
        if not sign and not (self.decimal == "," and "." in whole):
            texts = whole.replace(",", ".").split("\n") if self.decimal == "," else fields
            try:
                return np.fromiter(map(float, texts), np.float64, len(texts))
            except ValueError:
                pass
        return np.fromiter((self.parse(field, sign) for field in fields), np.float64, len(fields))

    def parse(self, field: str, sign: str = "") -> float:
        """Return a number, 1 or 0 for a logical value, and nan for a missing one and for text."""
        if sign in SWITCHES:
            return SWITCHES[sign].get(field.lower(), np.nan)
        if sign and sign not in field:
            return np.nan
        text = _without_sign(field, sign)
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
            return LOGICAL.get(text.lower(), np.nan)


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


def find_switch(fields: Iterable[str]) -> str:
    """Return the pair of words that a column consists of; empty without one."""
    words = {field.lower() for field in fields if not MISSING.fullmatch(field)}
    return next((pair for pair, numbers in SWITCHES.items() if words == {*numbers}), "")


def is_numeral(field: str, sign: str = "") -> bool:
    """Return True for a number in any notation, or a logical value."""
    if sign in SWITCHES:
        return field.lower() in SWITCHES[sign]
    text = _without_sign(field, sign)
    is_number = NUMERAL.fullmatch(text) is not None and any(map(str.isdigit, text))
    return text.lower() in LOGICAL or (is_number and SHORT.fullmatch(text) is None)


def _without_sign(field: str, sign: str) -> str:
    """Return a number without the sign of its unit, and with a minus in ASCII."""
    text = field.replace(sign, "", 1).strip() if sign else field
    return text.replace(MINUS, "-", 1)


def find_numerals(
    numbers: Iterable[tuple[Line, str, str]], separator: str, pointer: str, advice: str
) -> Numerals:
    """Return the notation of the numbers of a table, from the first one that proves it.

    Parameters
    ----------
    numbers
        The line of each field, the field, and the sign of the unit of its column.
    separator
        The separator of fields; beside commas, points are decimal.
    pointer, advice
        The place and the end of the error.

    Raises
    ------
    Invalid
        Every number can be read in two ways.
    """
    ambiguous: tuple[Line, str] | None = None
    for line, field, sign in numbers:
        text = "".join(_without_sign(field, sign).split()).translate(NO_BLANKS)
        marks = [letter for letter in text if letter in MARKS]
        if not marks:
            continue
        mark = _find_decimal_mark(text, marks, separator)
        if mark is None:
            ambiguous = ambiguous or (line, text)
        elif GROUPED[mark].fullmatch(text):
            return Numerals(mark, line)
    if ambiguous is None:
        return Numerals()
    raise _explain_readings(*ambiguous, pointer, advice)


def _find_decimal_mark(text: str, marks: Sequence[str], separator: str) -> str | None:
    """Return the decimal mark of a number with marks; None if it can be read in two ways."""
    last = marks[-1]
    if OTHER[last] in marks or not THOUSANDS[last].fullmatch(text.lower().partition("e")[0]):
        return last
    if len(marks) > 1:
        return OTHER[last]
    return "." if (last, separator) == (".", ",") else None


def _explain_readings(line: Line, number: str, pointer: str, advice: str) -> Invalid:
    """Return the error of a number that can be read in two ways."""
    mark = "," if "," in number else "."
    decimal, whole = number.replace(",", "."), number.replace(mark, "")
    readings = f"{decimal} with a decimal {MARKS[mark]}, or {whole} with a thousands separator"
    detail = f"{cite(line)}: {number} is ambiguous: {readings}; {advice}"
    repairs = [
        offer("decimal", each, number, value)
        for value, each in ((decimal, mark), (whole, OTHER[mark]))
    ]
    return Invalid(detail, pointer, line=line[0], repairs=repairs)


MAX_SHOWN: Final = 40  # characters of a line or a field in a message


def cite(line: Line) -> str:
    """Return the number and the beginning of a line, for a message."""
    number, text = line
    return f"line {number} ({shorten(text)})"


def shorten(text: str) -> str:
    """Return a text in quotes, for a message."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")
