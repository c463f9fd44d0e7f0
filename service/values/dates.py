"""Dates as text."""

import re
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

DateOrder: TypeAlias = Literal["day-first", "month-first"]

QUARTER: Final = re.compile(r"(\d{4})[-/ ]?Q([1-4])|Q([1-4])[-/ ]?(\d{4})", re.ASCII)
# A week of ISO 8601 by its number and its year, and a year with the week.
WEEK: Final = re.compile(
    r"(?:KW|CW|W|wk|week|Woche|semaine|sem)[. ]*(\d\d?)(?:[ ]?[-/,.][ ]?|[ ])(\d{4})"
    r"|(\d{4})[-/ ]*(?:KW|CW|W|wk|week|Woche)[-. ]*(\d\d?)",
    re.ASCII | re.IGNORECASE,
)
# Two numbers of which one is the day and the other the month, and the year.
SHORT: Final = re.compile(r"(\d\d?)([./-])(\d\d?)\2(\d{4}|\d\d)(?=$|[T ,])", re.ASCII)
MONTH: Final = re.compile(r"(\d{4})-(\d\d?)", re.ASCII)
# A year, a month, a day and an hour, as in columns of their own.
PARTS: Final = re.compile(r"(\d{4}) (\d\d?)(?: (\d\d?)(?: (\d\d?))?)?", re.ASCII)
SHORT_MONTH: Final = re.compile(r"(\d\d?)[./-](\d{4})", re.ASCII)
ONE_DIGIT: Final = re.compile(r"(?<![\d.])\d(?=[-:T ]|$)", re.ASCII)  # of a month, a day, an hour
CLOCK: Final = re.compile(r"\d\d?:\d\d(?::\d\d(?:[.,]\d{1,6})?)?", re.ASCII)
HALF_DAY: Final = re.compile(r"(\d\d?)(:\d\d\S*)? ?([ap])\.?m\.?", re.ASCII | re.IGNORECASE)
# The abbreviation of a time zone after a time of day, and those with one offset. Times with another
# one are local.
ZONE: Final = re.compile(r"(?<=[\dmM.]) ?\(?(?:UTC|GMT|([A-Z]{2,4}T|MEZ|MESZ))\)?$")
OFFSETS: Final = {
    zone: f"{hours:+03}:00"
    for zones, hours in (
        *(("PST", -8), ("PDT MST", -7), ("MDT CST", -6), ("CDT EST", -5), ("EDT", -4), ("WET", 0)),
        *(("CET MEZ WEST BST", 1), ("CEST MESZ EET", 2), ("EEST", 3), ("AEST", 10), ("AEDT", 11)),
    )
    for zone in zones.split()
}
NAMED: Final = re.compile(
    r"(?:(\d\d?)\.?[ -])?([^\W\d_]{3,9})\.?[ -](?:(\d\d?),[ ])?'?(\d{4}|\d\d)(?=$|[T ,])"
    r"|(\d{4})[ -]([^\W\d_]{3,9})\.?(?:[ -](\d\d?))?(?=$|[T ,])"
)
# The beginnings of months in English, German, French, Spanish and Italian.
MONTHS: Final = {
    name: 1 + i
    for i, names in enumerate(
        (
            *("jan ene gen", "feb f\u00e9v fev", "mar m\u00e4r mrz", "apr avr abr", "may mai mag"),
            *("jun juin giu", "jul juil lug", "aug ao\u00fb aou ago", "sep set", "oct okt ott"),
            *("nov", "dec dez d\u00e9c dic"),
        )
    )
    for name in names.split()
}
COMPACT: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
MAX_DATE: Final = 50  # characters
CENTURY: Final = 2000  # of years with two digits


def parse_date(text: str, order: DateOrder | None = None) -> datetime:
    """Return a date, with a time zone if the text has an offset; raises ValueError.

    Parameters
    ----------
    order
        The order of day and month, if they are numbers with slashes or hyphens between them.
    """
    if len(text) > MAX_DATE:
        raise ValueError(text[:MAX_DATE])
    if match := QUARTER.fullmatch(text):
        return datetime(int(match[1] or match[4]), 3 * int(match[2] or match[3]) - 2, 1)
    if match := WEEK.fullmatch(text):
        year, week = int(match[2] or match[3]), int(match[1] or match[4])
        return datetime.fromisocalendar(year, week, 1)
    if match := PARTS.fullmatch(text):
        hours = int(match[4] or 0)
        if hours > 24:
            raise ValueError(text)
        return datetime(int(match[1]), int(match[2]), int(match[3] or 1)) + timedelta(hours=hours)
    if is_clock(text):
        text = HALF_DAY.sub(_write_hour, text)
        return datetime.fromisoformat(f"1970-01-01 {text if text[2] == ':' else f'0{text}'}")
    if "W" not in text:  # the weeks of ISO 8601 have a digit for the day
        text = " ".join(text.split())
        text = _write_year_first(text, order)
        text = HALF_DAY.sub(_write_hour, text)
        text = ZONE.sub(_write_offset, text.replace("/", "-").replace(", ", " "))
        text = ONE_DIGIT.sub(r"0\g<0>", text)
        if MONTH.fullmatch(text):
            text += "-01"
    return datetime.fromisoformat(text)


def is_date(text: str) -> bool:
    """Return True for a date or a time of day in any order of day and month, and not a number."""
    if not any(map(str.isdecimal, text)):
        return False
    for order in ("day-first", "month-first"):
        try:
            parse_date(text, order)
        except (ValueError, OverflowError):
            continue
        return not text.isdecimal() or COMPACT.fullmatch(text) is not None
    return False


def is_clock(text: str) -> bool:
    """Return True for a time of day without a date."""
    return CLOCK.fullmatch(text) is not None or HALF_DAY.fullmatch(text) is not None


def find_order(text: str) -> DateOrder | None:
    """Return the order of day and month in a date, None if it has none or is ambiguous."""
    match = SHORT.match(text)
    if match is None or match[2] == ".":
        return None
    if int(match[1]) > 12:
        return "day-first"
    return "month-first" if int(match[3]) > 12 else None


def is_ambiguous(text: str) -> bool:
    """Return True for a date whose order of day and month is unknown."""
    match = SHORT.match(text)
    return match is not None and match[2] != "." and find_order(text) is None


def _write_year_first(text: str, order: DateOrder | None) -> str:
    if match := SHORT.match(text):
        day, month = match[1], match[3]
        if match[2] != "." and order is None:
            raise ValueError(text)
        if order == "month-first":
            day, month = month, day
        return _join(match[4], month, day) + text[match.end() :]
    if match := SHORT_MONTH.fullmatch(text):
        return _join(match[2], match[1], "1")
    if match := NAMED.match(text):
        name = (match[2] or match[6]).lower()
        month = MONTHS.get(name[:4]) or MONTHS.get(name[:3])
        if month is not None:
            day = match[1] or match[3] or match[7] or "1"
            return _join(match[4] or match[5], str(month), day) + text[match.end() :]
    return text


def _join(year: str, month: str, day: str) -> str:
    century = CENTURY if len(year) == 2 else 0
    return f"{century + int(year):04}-{month.zfill(2)}-{day.zfill(2)}"


def _write_offset(match: re.Match[str]) -> str:
    return "+00:00" if match[1] is None else OFFSETS.get(match[1], "")


def _write_hour(match: re.Match[str]) -> str:
    hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
    return f"{hour:02}{match[2] or ':00'}"
