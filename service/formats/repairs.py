"""The repairs of tables: the label of each, and the sentence about a table in which it was made.

A repair is a query parameter with a value. The errors and notes of tables offer repairs with their
labels, in the order in which they should be tried: those that invent no numbers are the first. The
HTTP API, the command line, the client and the page write them in their own words.
"""

from typing import Any, Final, NamedTuple, TypeAlias

Offer: TypeAlias = dict[str, Any]  # a label, and the query that makes the repair


class Repair(NamedTuple):
    """A repair, with places for what is offered and what was done."""

    label: str
    sentence: str = ""


# By their parameters, with the values of those that have few.
REPAIRS: Final = {
    "gaps=sequences": Repair("Start a new sequence after {}", "a new sequence after {}"),
    "gaps=missing": Repair(
        "Add the missing steps, whose inputs are assumed to be those before", "{} added"
    ),
    "fill=drop": Repair("Leave out the rows without a {}", "{} without a {} left out"),
    "fill=hold": Repair(
        "Fill missing inputs with the value before, which is assumed to have lasted",
        "missing inputs of {} have the value before",
    ),
    "fill=zero": Repair(
        "Fill missing inputs with 0, which is assumed to be what happened",
        "missing inputs of {} are 0",
    ),
    "repeated": Repair("Use means of rows at equal times ({})", "{} averaged"),
    "grid": Repair("{}"),
    "differences": Repair("Use the differences of {!r} from row to row", "differences of {}"),
    "every": Repair("Use means of {} rows", "means of {}"),
    "last": Repair("Use the last {} of {} rows", "the last {} of {}"),
    "time": Repair("Read the rows without times"),
    "dates": Repair("The {} is first in dates"),
    "decimal": Repair("{} is {}"),
    "missing": Repair("Read {} as a missing number"),
    "header": Repair("Name the columns column_1, column_2, …"),
    "inputs": Repair("Use {}"),
    "sequence": Repair("Read {}"),
    "pivot": Repair("Read {}", "each {} read as a column"),
    "target": Repair("Fit {!r}"),
    "confirm": Repair("Keep it as it is"),
    "encoding": Repair("{}"),
}


def offer(parameter: str, value: str | int, *words: Any) -> Offer:
    """Return the offer of a repair, with the words of its label."""
    repair = REPAIRS.get(f"{parameter}={value}") or REPAIRS[parameter]
    return {"label": repair.label.format(*words), "query": {parameter: value}}


def describe(repair: str, *words: Any) -> str:
    """Return the sentence about a repair that was made."""
    return REPAIRS[repair].sentence.format(*words)


# Those that invent inputs: what is assumed, and the repair that does not.
INVENTED: Final = {
    "gaps=missing": ("which have the inputs before them", offer("gaps", "sequences", "each gap")),
    "fill=hold": ("which is assumed to have lasted", offer("fill", "drop", "number")),
    "fill=zero": ("which is assumed to be what happened", offer("fill", "drop", "number")),
}
