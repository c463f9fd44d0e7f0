"""Decimal marks of tables: a point or a comma, and what separates thousands."""

import re
from typing import Final

from service.errors import Invalid
from service.formats.csv_layout import Line, cite

MARKS: Final = {",": "comma", ".": "point"}
# Numbers that a mark may divide into thousands. What follows may be the other mark.
THOUSANDS: Final = {
    mark: re.compile(rf"(?<![\d,.])[1-9]\d{{0,2}}(?:[{mark}]\d{{3}})++(?![\d{mark}eE])")
    for mark in ".,"
}


class DecimalMarks:
    """Whether numbers have decimal points or commas, and the first line with each."""

    def __init__(
        self,
        pointer: str,
        decimal: str | None = None,
        ambiguous: str = ",",
        advice: str = "write points",
    ) -> None:
        """Start with no lines.

        Parameters
        ----------
        pointer
            Of errors.
        decimal
            The decimal mark, if it is known. The other mark then separates thousands.
        ambiguous
            The marks that may separate thousands where no decimal mark is known.
        advice
            What to do about numbers that can be read in two ways.
        """
        self._pointer, self._decimal = pointer, decimal
        self._ambiguous, self._advice = ambiguous, advice
        self._lines: dict[str, Line] = {}
        self._decimals = set[str]()  # marks that cannot separate thousands

    def normalize(self, chunk: list[Line], texts: list[str], separator: str) -> list[str]:
        """Return the texts of lines with decimal points; raises Invalid if both marks are used."""
        if self._decimal is not None:
            return [self._ungroup(*pair) for pair in zip(chunk, texts, strict=True)]
        whole = "".join(texts)
        for mark in "." if separator == "," else ".,":
            if mark not in self._lines and mark in whole:
                pairs = zip(chunk, texts, strict=True)
                self._lines[mark] = next(line for line, text in pairs if mark in text)
        if len(self._lines) == 2:
            comma, point = map(cite, (self._lines[","], self._lines["."]))
            detail = (
                f"{comma} has a comma, and {point} a point: either is the decimal mark, and the "
                f"other separates thousands; {self._advice}"
            )
            raise Invalid(detail, self._pointer)
        for mark in self._lines.keys() & {*self._ambiguous} - self._decimals:
            if any(mark in THOUSANDS[mark].sub("", text) for text in texts):
                self._decimals.add(mark)
        return [text.replace(",", ".") for text in texts] if "," in self._lines else texts

    def _ungroup(self, line: Line, text: str) -> str:
        """Return a text with decimal points, and without marks between thousands."""
        other = "," if self._decimal == "." else "."
        text = THOUSANDS[other].sub(lambda match: match[0].replace(other, ""), text)
        if other in text:
            detail = f"{cite(line)}: the {MARKS[other]} in a number does not separate thousands"
            raise Invalid(detail, self._pointer)
        return text.replace(",", ".")

    def check(self) -> None:
        """Raise Invalid if every mark may as well separate thousands."""
        for mark in self._lines.keys() & {*self._ambiguous} - self._decimals:
            match = THOUSANDS[mark].search(self._lines[mark][1])
            number = match[0] if match else "a number"
            decimal, whole = number.replace(",", "."), number.replace(mark, "")
            name = MARKS[mark]
            readings = (
                f"{decimal} with a decimal {name}, or {whole} with a {name} between thousands"
            )
            detail = f"{cite(self._lines[mark])}: {number} can be {readings}; {self._advice}"
            raise Invalid(detail, self._pointer)
