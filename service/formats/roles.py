"""The roles of the columns of a table: which are the time, the target and the inputs."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np

from service.engine.types import Array
from service.errors import Invalid, LimitExceeded
from service.formats.base import SeriesColumns
from service.formats.csv_tables import join_names, split_names
from service.formats.group_columns import FEW, Groups
from service.formats.numerals import SWITCHES, Numerals, find_numerals
from service.formats.repairs import offer
from service.formats.structure import Structure
from service.schemas.series import MAX_INPUTS
from service.schemas.tables import Role
from service.values.dates import is_clock
from service.values.times import Times, TimesError

TIME: Final = re.compile(
    r"(?:(?:time|date|datetime|timestamp|second|minute|hour|day|week|month|quarter|year|step)s?|t|ts|epoch|unix\w*|s|sec|ms|min|h"
    r"|zeit|datum|uhrzeit|jahr|monat|woche|tag|stunde|mois|ann\u00e9e|jour|heure|temps)\b.*",
    re.IGNORECASE,
)
SEQUENCE: Final = re.compile(
    r"(sequence|series|recording|test|run|trial|batch|patient|subject|region|group|id|unit)s?",
    re.IGNORECASE,
)
TARGET: Final = re.compile(
    r"(total |gross |net )?(target|output|response|outcome|y|sales|revenue|turnover|demand|orders"
    r"|conversions|umsatz|absatz|erl\u00f6se?|ertrag|ventes|ventas|vendite|zielgr\u00f6\u00dfe|ziel)"
    r"([ _]?[(\[].*|[ _](total|eur|usd|gbp|chf|units))?",
    re.IGNORECASE,
)
IDENTIFIER: Final = re.compile(
    r"(.*[ _-])?(id|nr|no|number|nummer|key|record|rec)\.?", re.IGNORECASE
)
# Columns whose values together are times.
YEAR: Final = re.compile(r"(calendar )?(year|jahr|ann\u00e9e|a\u00f1o|anno|yyyy|yr)", re.IGNORECASE)
MONTH: Final = re.compile(r"(month|monat|mois|mes|mese|mm|mo|mon)", re.IGNORECASE)
DAY: Final = re.compile(
    r"(day|tag|jour|d\u00eda|giorno|dd)([ _]of[ _](the[ _])?month)?", re.IGNORECASE
)
HOUR: Final = re.compile(
    r"(hour|stunde|heure|hora|ora|hh|hr)([ _]of[ _](the[ _])?day)?", re.IGNORECASE
)
NUMBERED: Final = re.compile(r"\d")
UNREADABLE: Final = "its values differ"
TEXTS: Final = {"time", "text"}
TRANSPOSED: Final = offer("pivot", "header", "each row as a column")
# A counter has so many steps, whose standard deviation is this share of their mean, and whose
# correlation with time is below a limit: those of a response to one step decay.
MANY: Final = 20
UNEQUAL: Final = 0.02
STEADY: Final = 0.5
MAX_COLUMNS: Final = 1000  # of a table whose roles are proposed
N_COUNTED: Final = 10  # rows of a column that may number them
TIMES: Final[tuple[Role, ...]] = ("time", "clock")
REPEATS: Final = "its values repeat"
GUESSED: Final = "the last column of numbers"
MAX_LAG: Final = 12  # steps of the correlations by which inputs are chosen


class Roles(NamedTuple):
    """The roles of the columns of a table, with the reasons."""

    chosen: SeriesColumns  # with the names of all roles
    roles: list[Role]  # of all columns
    because: list[str]
    may_be_groups: list[str]  # inputs whose numbers may name groups
    may_count: list[str]  # the target and inputs that may be counters

    def describe(self) -> tuple[str, ...]:
        """Return each role with its columns."""
        chosen = self.chosen
        inputs = [*(chosen.inputs or ())]
        listed = " and ".join([*filter(None, [", ".join(inputs[:-1])]), *inputs[-1:]])
        parts = {
            "target": chosen.target,
            "inputs" if len(inputs) > 1 else "input": listed or "none",
            "sequence": chosen.sequence,
            "time": " and ".join(filter(None, (chosen.time, *split_names(chosen.clock)))),
        }
        return tuple(f"{role} {name}" for role, name in parts.items() if name)


def propose_roles(found: Structure, chosen: SeriesColumns) -> Roles:
    """Return the roles of columns that are not chosen.

    An empty name of a sequence or a time is the choice of none. It raises Invalid without numbers,
    and LimitExceeded for a table with too many columns.
    """
    if found.width > MAX_COLUMNS and chosen.is_series:
        detail = f"the table has {found.width} columns; the limit is {MAX_COLUMNS}"
        repairs = [TRANSPOSED] if found.width > len(found.sample) else None
        raise LimitExceeded(detail, "", limit=MAX_COLUMNS, needed=found.width, repairs=repairs)
    return _Proposal(found, chosen).propose()


class _Proposal:
    """The columns of a table, of which some have roles."""

    def __init__(self, found: Structure, chosen: SeriesColumns) -> None:
        self._found, self._chosen = found, chosen
        self._roles: list[Role | None] = [None] * found.width
        self._because = [""] * found.width
        columns = [*zip(*found.sample, strict=True)] or [()] * found.width
        self._columns: list[Sequence[str]] = [*columns]
        self._numerals = self._find_numerals()

    def _find_numerals(self) -> Numerals:
        fields = (
            ((0, ""), field, self._found.signs.get(column, ""))
            for column in self._of_kind("number")
            for field in self._columns[column]
        )
        numerals = Numerals()
        with suppress(Invalid):  # reported when the table is read
            numerals = find_numerals(fields, self._found.separator, "", "")
        return numerals._replace(missing=self._chosen.missing)

    def _of_kind(self, *kinds: str) -> list[int]:
        """Return the columns of these kinds without a role."""
        return [
            j
            for j, kind in enumerate(self._found.kinds)
            if kind in kinds and self._roles[j] is None and self._found.names[j]
        ]

    def _give(self, role: Role, why: str, columns: Sequence[int]) -> bool:
        """Give a role to the first of some columns; return False without any."""
        for column in columns[:1]:
            self._roles[column], self._because[column] = role, why
        return bool(columns)

    def _named(self, pattern: re.Pattern[str], columns: Sequence[int]) -> list[int]:
        return [j for j in columns if pattern.fullmatch(self._found.names[j])]

    def propose(self) -> Roles:
        """Return the roles of all columns; raises Invalid."""
        names, chosen = self._found.names, self._chosen
        given: dict[Role, Sequence[str | None]] = {
            "time": (chosen.time,),
            "clock": split_names(chosen.clock),
            "sequence": (chosen.sequence,),
            "target": (chosen.target,),
            "input": chosen.inputs or (),
        }
        for role, wanted in given.items():
            chosen_names = {*wanted}
            for j, name in enumerate(names):
                if name and name in chosen_names:
                    self._give(role, "chosen", [j])
        self._propose_times()
        if chosen.sequence is None:
            self._propose_sequence()
        if "target" not in self._roles and not chosen.target:
            self._propose_target()
        if chosen.inputs is None:
            self._propose_inputs()
        for kind, why in REASONS.items():
            for column in self._of_kind(kind):
                self._give("left_out", why, [column])
        roles: list[Role] = [role or "left_out" for role in self._roles]
        groups = [] if chosen.inputs is not None else self._find_groups()
        counters = [self._found.names[j] for j in range(len(roles)) if self._may_count(j)]
        return Roles(self._to_columns(roles), roles, self._because, groups, counters)

    def _to_columns(self, roles: Sequence[Role]) -> SeriesColumns:
        def name(role: Role) -> str | None:
            return self._found.names[roles.index(role)] if role in roles else None

        names = self._found.names
        inputs, clocks = (
            [each for each, role in zip(names, roles, strict=True) if role == wanted]
            for wanted in ("input", "clock")
        )
        chosen = self._chosen
        columns = {
            "time": name("time") if chosen.time is None else chosen.time,
            "clock": join_names(clocks) if chosen.clock is None else chosen.clock,
            "sequence": name("sequence") if chosen.sequence is None else chosen.sequence,
            "target": chosen.target or name("target") or "",
            "inputs": tuple(inputs) if chosen.inputs is None else chosen.inputs,
        }
        return chosen.model_copy(update=columns)

    def _propose_times(self) -> None:
        """Give roles to a column of times, and to one of times of day if its dates repeat."""
        if self._chosen.time is None:
            counted = self._named(TIME, self._of_kind("number", "index"))
            dates = sorted(self._of_kind("time"), key=self._has_clocks)
            done = self._give("time", "its values are dates", dates)
            done = done or self._give("time", "its name", self._named(YEAR, counted) or counted)
            done or self._give("time", UNREADABLE, self._find_unreadable())
        if self._chosen.clock is not None or "time" not in self._roles:
            return
        time = self._roles.index("time")
        if not self._repeats(time):
            return
        others = self._of_kind("time", "text", "number", "index")
        if self._found.kinds[time] == "time":
            clocks = [j for j in others if self._found.kinds[j] in TEXTS and self._has_clocks(j)]
            self._give("clock", "its values are times of day", clocks or self._named(HOUR, others))
        elif self._named(YEAR, [time]):
            for part in (MONTH, DAY, HOUR):
                if not self._give("clock", "its name", self._named(part, others)):
                    break

    def _find_unreadable(self) -> list[int]:
        """Return the columns of texts that all differ and are times by their name or place."""
        texts = [j for j in self._of_kind("text") if not self._repeats(j)]
        is_first = [j for j in texts if j == 0 and all(map(NUMBERED.search, self._columns[j]))]
        return [*self._named(TIME, texts), *is_first]

    def _has_clocks(self, column: int) -> bool:
        return all(map(is_clock, self._columns[column]))

    def _propose_sequence(self) -> None:
        repeated = [j for j in self._of_kind("number", "index", "text") if self._repeats(j)]
        named = self._named(SEQUENCE, repeated)
        texts = [j for j in repeated if self._found.kinds[j] == "text"]
        keys = [j for j in dict.fromkeys(named + texts) if self._makes_times_unique(j)]
        found = keys or named or texts
        if found:
            if not self._is_one_recording(found[0], is_named=bool(named)):
                self._give("sequence", REPEATS, found)
            return
        times = self._read_times()
        if times is not None:
            times.settle(np.zeros(len(self._found.sample), np.int64))
            groups = [j for j in repeated if Groups(self._columns[j]).separate(times.numbers)]
            self._give("sequence", REPEATS, groups)
        elif self._chosen.time is None:
            self._propose_restarts(repeated)

    def _makes_times_unique(self, column: int) -> bool:
        """Return True if times repeat, but not together with the values of a column."""
        columns = [self._columns[j] for j, role in enumerate(self._roles) if role in TIMES]
        times = [*zip(*columns, strict=True)]
        keys = {*zip(self._columns[column], times, strict=True)} if times else set()
        return len({*times}) < len(times) == len(keys)

    def _propose_restarts(self, repeated: Sequence[int]) -> None:
        """Give roles to numbers in blocks of rows, and to numbers that restart in each block."""
        for column in repeated:
            groups = Groups(self._columns[column])
            others = [j for j in self._of_kind("number", "index") if j != column]
            restarting = [j for j in others if groups.are_blocks and groups.restart(self._read(j))]
            if restarting:
                self._give("sequence", REPEATS, [column])
                self._give("time", "it restarts in each sequence", restarting)
                return

    def _find_groups(self) -> list[str]:
        """Return the inputs with a few integers in blocks of rows, unless times are in order."""
        times = self._read_times()
        if times is not None and (np.diff(times.numbers) > 0).all():
            return []
        columns = [j for j, role in enumerate(self._roles) if role == "input" and self._repeats(j)]
        integers = [j for j in columns if all(map(str.isdecimal, self._columns[j]))]
        groups = {self._found.names[j]: Groups(self._columns[j]) for j in integers}
        return [name for name, each in groups.items() if each.are_blocks and each.n >= FEW]

    def _repeats(self, column: int) -> bool:
        fields = self._columns[column]
        return "" not in fields and len({*fields}) <= len(fields) / 2

    def _is_one_recording(self, column: int, *, is_named: bool) -> bool:
        """Return True if the times of all rows are those of one sequence.

        They can have gaps if the values of a column without the name of a sequence recur.
        """
        times = self._read_times()
        if times is None:
            return False
        codes = np.zeros(len(self._found.sample), np.int64)
        try:
            if times.are_reversed(codes):
                times.take(np.arange(len(codes))[::-1])
            times.settle(codes)
            times.find_steps(codes)
        except TimesError as error:
            fields = self._columns[column]
            starts = [field for i, field in enumerate(fields) if not i or field != fields[i - 1]]
            increase = error.length is not None or error.n_gaps > 0
            return not is_named and len({*starts}) < len(starts) and increase
        return True

    def _read_times(self) -> Times | None:
        """Return the times of the rows; None without times or if one is invalid."""
        if "time" not in self._roles:
            return None
        at = [self._roles.index(role) for role in TIMES if role in self._roles]
        texts = [" ".join(parts) for parts in zip(*(self._columns[j] for j in at), strict=True)]
        times = Times(self._found.names[at[0]], self._chosen.dates or "day-first")
        with suppress(TimesError):
            times.add(texts)
            return times
        return None

    def _propose_target(self) -> None:
        numbers = self._of_kind("number")
        signs = self._found.signs
        measured = [j for j in numbers if not self._find_count(j) and signs.get(j) not in SWITCHES]
        candidates = measured or numbers
        is_guess = len(candidates) > 1 and self._chosen.is_series
        why = GUESSED if is_guess else "the only column of numbers"
        done = self._give("target", "its name", self._named(TARGET, numbers))
        if not done and not self._give("target", why, candidates[::-1]):
            row = "a header and a row per step" if self._chosen.is_series else "a row per sequence"
            detail = f"there is no column of numbers; the table needs {row}"
            raise Invalid(detail, parameter="target")

    def _read(self, column: int) -> Array:
        """Return the numbers of a column; nan for those that are missing or not finite."""
        sign = self._found.signs.get(column, "")
        numbers = self._numerals.read(self._columns[column], sign)
        return np.where(np.isfinite(numbers), numbers, np.nan)

    def _counts(self, column: int) -> bool:
        """Return True if numbers count the rows by one, with omissions or restarts.

        If each row is a sequence, a column counts them by its name.
        """
        if not self._chosen.is_series:
            return SEQUENCE.fullmatch(self._found.names[column]) is not None
        numbers = self._read(column)
        if len(numbers) < N_COUNTED:
            return False
        steps = np.diff(numbers)
        continues = (steps > 0) | (numbers[1:] == numbers[0])
        return bool(np.mean(steps == 1) >= 0.8 and continues.all())

    def _find_count(self, column: int) -> str:
        """Return why a column is no input: it counts or identifies the rows; empty if it is one."""
        if self._counts(column):
            return "it counts the rows"
        is_named = self._chosen.is_series and self._named(IDENTIFIER, [column])
        rises = is_named and (np.diff(self._read(column)) > 0).all()
        return "it identifies the rows" if rises else ""

    def _may_count(self, column: int) -> bool:
        """Return True for a target or an input that rises steadily by unequal steps, as a meter."""
        if self._roles[column] not in {"target", "input"} or not self._chosen.is_series:
            return False
        numbers = self._read(column)
        steps = np.diff(numbers[~np.isnan(numbers)])
        if len(steps) < MANY or (steps < 0).any() or np.median(steps) <= 0:
            return False
        trend = np.corrcoef(steps, np.arange(len(steps)))[0, 1] if np.ptp(steps) else 1.0
        return bool(np.std(steps) > UNEQUAL * np.mean(steps) and abs(trend) < STEADY)

    def _propose_inputs(self) -> None:
        columns = self._of_kind("number")
        for column in columns:
            why = self._find_count(column)
            if why:
                self._give("left_out", why, [column])
        columns = self._of_kind("number")
        why = "a column of numbers"
        most = MAX_INPUTS if self._chosen.is_series else len(columns)
        if len(columns) > most and "target" in self._roles:
            targets = self._read(self._roles.index("target"))
            columns.sort(key=lambda j: -_correlate(self._read(j), targets))
            why = f"of {len(columns)} inputs, the {MAX_INPUTS} with the largest lagged correlation"
        for column in columns[:most]:
            self._give("input", why, [column])


REASONS: Final = {
    "text": "it is text",
    "empty": "it is empty",
    "index": "it numbers the rows",
    "time": "it has times",
    "number": "not among the inputs",
}


def _correlate(inputs: Array, targets: Array) -> float:
    """Return the largest absolute correlation of targets with earlier inputs."""
    deviations = [np.nan_to_num(each - np.nanmean(each)) for each in (inputs, targets)]
    x, y = (each / (np.linalg.norm(each) or 1.0) for each in deviations)
    lags = range(min(MAX_LAG, len(x) - 1) + 1)
    return max(abs(float(x[: len(x) - lag] @ y[lag:])) for lag in lags)
