"""What runs that are drawn together are called."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.engine.training import OPTIMIZERS
from service.figures.text import format_number, format_weights

MOST = 3  # differences in one label


def run_labels(requests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name each run by its optimizer, and those with the same one by what differs among them.

    Parameters
    ----------
    requests
        The resolved requests of the runs.
    """
    titles = [OPTIMIZERS[request["optimizer"]["name"]].title for request in requests]
    facts = [dict(_facts(request)) for request in requests]
    labels = []
    for title, mine in zip(titles, facts, strict=True):
        alike = [other for name, other in zip(titles, facts, strict=True) if name == title]
        differing = [fact for fact in mine if len({other.get(fact) for other in alike}) > 1]
        labels.append(", ".join([title, *(mine[fact] for fact in differing[:MOST])]))
    return labels


def _facts(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a run was asked for, in words, what tells most first."""
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
        if name != "kind":
            yield f"dataset {name}", f"{value[:9]}…" if name == "id" else f"{_words(name)} {value}"
    yield "n_iterations", f"{request['n_iterations']} iterations"
    target = request.get("target_cost")
    yield "target_cost", "no target" if target is None else f"target {_value(target)}"
    yield "record_every", f"every {request['record_every']}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format_number(float(value)) if numeric else str(value).lower()
