"""The names of units of time."""

import re
from typing import Final

# By the usual name of a unit: abbreviations, and names in tables of other languages.
UNIT_NAMES: Final = {
    "second": ("s", "sec"),
    "minute": ("min", "mn"),
    "hour": ("h", "hr", "stunde", "heure"),
    "day": ("d", "tag", "jour"),
    "business day": ("weekday", "workday", "working day", "trading day"),
    "week": ("w", "wk", "woche", "semaine"),
    "month": ("mo", "mon", "mth", "monat", "mois"),
    "quarter": ("q", "qtr", "quartal"),
    "year": ("y", "yr", "a", "jahr", "an", "année"),
}
BRACKETS: Final = re.compile(r".*\S\s*[\[(]([^\[\]()]{1,12})[\])]")
UNITS: Final = {name: unit for unit, names in UNIT_NAMES.items() for name in (unit, *names)}
# What steps can count, beside units of time.
COUNTS: Final = {
    *("step", "sample", "frame", "trial", "cycle", "generation", "period"),
    *("nanosecond", "microsecond", "millisecond", "fortnight", "decade"),
}
NO_UNIT: Final = {"time", "t"}  # names of columns of times


def find_unit(name: str) -> str:
    """Return the usual name of a unit of time.

    Parameters
    ----------
    name
        Any of its names, in the singular or the plural; or that of a column with one in brackets.

    Returns
    -------
    str
        The name in lower case where it is unknown.
    """
    name = find_bracketed(name)
    lower = name.strip().rstrip(".").lower()
    return UNITS.get(lower) or UNITS.get(lower.removesuffix("s")) or lower


def find_bracketed(name: str) -> str:
    """Return the unit of a column such as "time (min)"; the whole name if it has none."""
    match = BRACKETS.fullmatch(name)
    return match[1] if match else name


def is_unit(name: str) -> bool:
    """Return True for a unit of time, or a column with one in its name."""
    return find_unit(name) in UNIT_NAMES or find_bracketed(name).lower().removesuffix("s") in COUNTS


def name_unit(name: str, *, plural: bool = True) -> str:
    """Return the name of a unit of times, after a number.

    That of a column which names no unit, as "age", is "unit of age".
    """
    bare = find_bracketed(name)
    if not is_unit(name):
        quantity = "time" if bare.lower() in NO_UNIT else bare
        return f"unit{'s' if plural else ''} of {quantity}"
    has_plural = bare.lower() in {*UNIT_NAMES, *COUNTS} or bare.lower().endswith("day")
    return f"{bare}s" if plural and has_plural else bare
