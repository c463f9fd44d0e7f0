"""RFC 6901 pointers into the JSON body, from the locations in validation errors."""

from collections.abc import Sequence
from typing import Any, Final

from service.schemas.optimizers import SCHEMAS

# Pydantic inserts the tag of a union member into the location. The JSON body has no such step.
TAGS = {"count_ones", "explicit", "stored", "weights", "run", *SCHEMAS}
TAGGED = {"dataset", "model", "optimizer"}
MAX_STEP = 200  # characters, since the name of an unknown field may have any length

# Where the value of a query parameter is in the equivalent JSON body, if not under its own name.
QUERY_LOCATIONS: Final[dict[str, tuple[str | int, ...]]] = {
    **{name: ("dataset", name) for name in ("n_samples", "n_steps", "seed", "noise")},
    **{name: ("network", name) for name in ("activation", "initial_state")},
    **{name: ("windows", 0, name) for name in ("w_in", "w_rec", "resolution")},
    "point": ("points",),
    "run": ("runs",),
    "mark": ("marks",),
}


def pointer(loc: Sequence[str | int], body: Any) -> str:
    """Return the pointer of a location such as ("dataset", "explicit", "inputs", 2).

    Parameters
    ----------
    body
        The body, which decides when a tag is also the name of a field; None if unknown.
    """
    parts: list[str] = []
    value = body
    for i, part in enumerate(loc):
        is_tag = part in TAGS and (i == 0 or loc[i - 1] in TAGGED)
        if is_tag and not (isinstance(value, dict) and part in value):
            continue
        parts.append(step(part))
        value = _member(value, part)
    return "".join(parts)


def step(name: str | int) -> str:
    """Return one step of a pointer: a slash, and the name of a field or the index of an item."""
    return "/" + str(name)[:MAX_STEP].replace("~", "~0").replace("/", "~1")


def body_location(loc: Sequence[str | int]) -> list[str | int]:
    """Return the location in the body for one in a request: ("query", "point", 2), for example."""
    source, *rest = loc
    if source == "query" and rest and rest[0] in QUERY_LOCATIONS:
        return [*QUERY_LOCATIONS[str(rest[0])], *rest[1:]]
    return rest


def _member(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
