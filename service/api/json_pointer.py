"""From pydantic's places to RFC 6901 pointers into the body that was sent."""

from collections.abc import Sequence
from typing import Any

from service.schemas.optimizers import SCHEMAS

# Pydantic names the chosen member of a tagged union in the place; a JSON body does not.
TAGS = {"count_ones", "explicit", "stored", "weights", "run", *SCHEMAS}
TAGGED = {"dataset", "model", "optimizer"}
LONGEST = 200  # characters of a name: what nobody named is not repeated at length


def pointer(loc: Sequence[str | int], body: Any) -> str:
    """Return the pointer of a place such as ("dataset", "explicit", "inputs", 2).

    Parameters
    ----------
    body
        The body, or None: where a tag is also the name of a field, what was sent decides.
    """
    parts: list[str] = []
    value = body
    for i, part in enumerate(loc):
        is_tag = part in TAGS and (i == 0 or loc[i - 1] in TAGGED)
        if is_tag and not (isinstance(value, dict) and part in value):
            continue
        parts.append(step(part))
        value = _inside(value, part)
    return "".join(parts)


def step(name: str | int) -> str:
    """Return one step of a pointer: a slash and the name of a field or the index of an item."""
    return "/" + str(name)[:LONGEST].replace("~", "~0").replace("/", "~1")


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
