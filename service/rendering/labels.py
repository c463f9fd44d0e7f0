"""Labels that distinguish the runs of one picture, and the names of units."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.engine.training import OPTIMIZERS
from service.figures.numbers import format_number, format_weights

MAX_DIFFERENCES = 3  # in one label


def run_labels(requests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one label per run: its optimizer, and how it differs from runs with the same one."""
    titles = [OPTIMIZERS[request["optimizer"]["name"]].title for request in requests]
    settings = [dict(_settings(request)) for request in requests]
    labels = []
    for title, own in zip(titles, settings, strict=True):
        alike = [other for name, other in zip(titles, settings, strict=True) if name == title]
        differing = [name for name in own if len({other.get(name) for other in alike}) > 1]
        labels.append(", ".join([title, *(own[name] for name in differing[:MAX_DIFFERENCES])]))
    return labels


def name_unit(unit: str, *, plural: bool = True) -> str:
    """Return the name of a unit of time; abbreviations have no plural."""
    if re.fullmatch("time|t", unit, re.IGNORECASE):
        return "units of time" if plural else "unit of time"
    is_final = not plural or re.fullmatch(r".{0,2}|min|sec|hr|.*s", unit, re.IGNORECASE)
    return unit if is_final else f"{unit}s"


def _settings(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the settings of a run and their texts, the most informative first."""
    for name, value in request["optimizer"].items():
        if name != "name":
            yield name, f"{_words(name)} {_value(value)}"
    clip = request.get("clip")
    yield "clip", f"clip {clip['by']} {_value(clip['threshold'])}" if clip else "no clip"
    start = request["initial_weights"]
    yield "start", f"from {format_weights(start['w_in'], start['w_rec'])}"
    for name, value in request["network"].items():
        yield name, str(value) if name == "activation" else f"{_words(name)} {_value(value)}"
    for name, value in request["dataset"].items():
        text = _words(value) if name == "kind" else f"{_words(name)} {value}"
        yield f"dataset {name}", f"{value[:9]}…" if name == "id" else text
    yield "n_iterations", f"{request['n_iterations']} iterations"
    target = request.get("target_cost")
    yield "target_cost", "no target" if target is None else f"target {_value(target)}"
    yield "record_every", f"every {request['record_every']}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format_number(float(value)) if numeric else str(value).lower()
