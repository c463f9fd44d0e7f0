"""Numbers, times and units in words."""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from service.engine.data import find_unit, name_unit
from service.engine.numbers import MINUS, format_number

SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "year": 31557600.0}
# The ends of a range; None where it is open.
Range: TypeAlias = tuple[float | None, float | None]


def format_time(value: float, unit: str) -> str:
    """Return a time with three digits, in the unit that suits it."""
    return format_ranges([(value, value)], unit)


def format_value(value: float, digits: int = 3) -> str:
    """Return a number with few digits, without an exponent below a million."""
    return format_number(float(f"{value:.{digits}g}"))


def format_p(p: float) -> str:
    """Return a p-value in words."""
    return "p < 0.001" if p < 0.001 else f"p = {format_value(p, 2)}"


def format_weight(w_rec: float) -> str:
    """Return a w_rec with four digits, or with more if these would round it to 1 or -1."""
    texts = [format_value(w_rec, digits) for digits in (4, 6, 9)]
    return next((text for text in texts if text.strip(MINUS) != "1"), texts[0])


def format_ranges(ranges: Sequence[Range], unit: str = "", like: float | None = None) -> str:
    """Return ranges in words; those of times in the unit that suits the value ``like``."""
    if (None, None) in ranges:
        return "anything"
    ends = [end for each in ranges for end in each if end is not None]
    size, name = _choose_unit(like or max(ends, default=0.0), unit)
    texts = []
    for low, high in ranges:
        numbers = [format_value(end / size) for end in (low, high) if end is not None]
        limit = "at least " if high is None else "at most " if low is None else ""
        texts.append(limit + " to ".join(dict.fromkeys(numbers)))
    text = ", or ".join(texts)
    return attach_unit(text, name and name_unit(name, plural=text.split(" ")[-1] != "1"))


def _choose_unit(value: float, unit: str) -> tuple[float, str]:
    """Return the size, in the given unit, and the name of the unit that suits a time."""
    own = find_unit(unit)
    names = [*SECONDS]
    if own not in names or not value:
        return 1.0, unit
    i = names.index(own)
    seconds = abs(value) * SECONDS[own]
    while i + 1 < len(names) and seconds >= 2.0 * SECONDS[names[i + 1]]:
        i += 1
    while i > 0 and seconds < 0.5 * SECONDS[names[i]]:
        i -= 1
    return SECONDS[names[i]] / SECONDS[own], unit if names[i] == own else names[i]


def split_unit(column: str) -> tuple[str, str]:
    """Return the name and the unit of a column such as "heating (kW)"."""
    match = re.fullmatch(r"(.*\S)\s*[\[(]([^\[\]()]{1,12})[\])]", column)
    return (match[1], match[2]) if match else (column, "")


def attach_unit(number: str, unit: str) -> str:
    """Return a number with its unit, which may be empty."""
    return f"{number} {unit}".strip()


def name_detected(names: Sequence[str]) -> dict[str, str]:
    """Return words for the inputs that are detected by themselves."""
    detected = " and ".join(split_unit(name)[0] for name in names)
    return {"detected": detected, "is": "is" if len(names) == 1 else "are"}


def capitalize(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return text[0].upper() + text[1:]
