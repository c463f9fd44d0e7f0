"""The names of units of time."""

from typing import Final

# By the usual name of a unit: abbreviations, and names in tables of other languages.
NAMES: Final = {
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
UNITS: Final = {name: unit for unit, names in NAMES.items() for name in (unit, *names)}


def find_unit(name: str) -> str:
    """Return the usual name of a unit of time.

    Parameters
    ----------
    name
        Any of its names, in the singular or the plural.

    Returns
    -------
    str
        The name in lower case where it is unknown.
    """
    lower = name.strip().rstrip(".").lower()
    return UNITS.get(lower) or UNITS.get(lower.removesuffix("s")) or lower
