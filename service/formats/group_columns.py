"""Columns of a table that name the groups to which its rows belong."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.errors import Invalid
from service.formats.numerals import shorten
from service.formats.repairs import Offer, offer

FEW: Final = 3  # values of a column of numbers that may name groups; two can be a switch
LAYOUT: Final = "layout"  # of a long table, or of one whose columns have no roles
# The names that programs give to the columns of a long table.
VARIABLE: Final = re.compile(
    r"_?(variable|parameter|measure|measurement|metric|quantity|indicator|attribute|property|feature"
    r"|signal|channel|tag|key|name|element|analyte|series|field"
    r"|sensor|item|entity)(s|[ _]?(id|name|code))?",
    re.IGNORECASE,
)
VALUE: Final = re.compile(
    r"_?(values?|val|wert|valeur|reading|result|obs_value|state)", re.IGNORECASE
)


class Groups:
    """The rows of a table by the values of a column."""

    def __init__(self, fields: Sequence[str]) -> None:
        values, codes = np.unique(np.array(fields, object), return_inverse=True)
        self.n = len(values)
        self.codes: NDArray[np.int64] = codes
        self.starts = 1 + np.flatnonzero(np.diff(codes))  # of the runs after the first one

    @property
    def are_blocks(self) -> bool:
        """True if the rows of each value follow each other."""
        return len(self.starts) == self.n - 1 > 0

    def separate(self, times: Array) -> bool:
        """Return True if times (N,) out of order are those of one recording for each value.

        The times restart wherever the value changes, or occur with most of the values.
        """
        if self.n == 1 or (np.diff(times) > 0).all():
            return False
        restart = self.are_blocks and bool((np.diff(times)[self.starts - 1] <= 0).all())
        recur = 2 * len(times) >= self.n * len(np.unique(times))
        order = np.argsort(self.codes, kind="stable")
        is_later = (np.diff(times[order]) > 0) | (np.diff(self.codes[order]) > 0)
        return (restart or recur) and bool(is_later.all())

    def restart(self, numbers: Array) -> bool:
        """Return True if numbers (N,) increase in each block, and are the same in all blocks.

        Blocks may differ in length.
        """
        parts = np.split(numbers, self.starts)
        longest = max(parts, key=len)
        are_same = all(np.array_equal(part, longest[: len(part)]) for part in parts)
        return are_same and min(map(len, parts)) > 1 and bool((np.diff(longest) > 0).all())


def check_long(variable: str, names: Sequence[str], numbers: Sequence[str]) -> None:
    """Raise Invalid for a table with pairs of the name of a variable and its value.

    Parameters
    ----------
    variable
        The column that is proposed as the sequence.
    names
        Its fields.
    numbers
        The columns of the target and the inputs. If there is only one, one name of a long table is
        sufficient, otherwise two.
    """
    is_variable = VARIABLE.fullmatch(variable) is not None
    values = [*filter(VALUE.fullmatch, numbers)]
    if is_variable + bool(values) < min(len(numbers), 2):
        return
    value = (values or numbers)[0]
    pivot, sequence = offer_layouts(variable, value)
    detail = describe_long(variable, names, value)
    raise Invalid(detail, parameter="pivot", repairs=[pivot, sequence])


def describe_long(variable: str, names: Sequence[str], value: str) -> str:
    """Return the sentence about a long table, by its columns of names and of values."""
    listed = " and ".join([shorten(name) for name in dict.fromkeys(names)][:2])
    return (
        f"this is a long table: {variable!r} has the names of variables, such as {listed}, and "
        f"{value!r} their numbers"
    )


def offer_layouts(variable: str, value: str) -> tuple[Offer, Offer]:
    """Return the offers of a column, and of a sequence, for each variable of a long table."""
    pivot = offer("pivot", f"{variable}:{value}", f"each value of {variable!r} as a column")
    sequence = offer("sequence", variable, f"each value of {variable!r} as a sequence")
    return pivot, {**sequence, "query": {**sequence["query"], "confirm": LAYOUT}}
