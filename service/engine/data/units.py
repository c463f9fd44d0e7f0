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
