"""Labels that distinguish the runs of one picture; times, marks and sequences of fits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Step, is_unit, name_unit
from service.engine.numbers import format_number, format_weights
from service.engine.training import OPTIMIZERS
from service.engine.types import Array
from service.rendering.rows import find_first
from service.values.steps import find_times

if TYPE_CHECKING:
    from service.figures.scales import TimeAxis

MAX_DIFFERENCES = 3  # in one label
DAY = np.timedelta64(1, "D")
MARKS = {"time_to_63_percent": "63 %", "time_to_95_percent": "95 %"}  # of a response
LEAST_SHARE = 0.2  # of a common axis of dates that the longest sequence fills


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


def name_times(step: Step) -> str:
    """Return the caption of an axis of times."""
    if not is_unit(step.unit):
        return step.unit
    return "step" if step == Step() else f"time ({name_unit(step.unit)})"


def name_sequences(result: Mapping[str, Any], numbers: NDArray[Any]) -> list[str]:
    """Return the names of sequences of a fit, or their numbers."""
    names = result.get("sequence_names")
    return [names[i] if names else f"sequence {i}" for i in numbers.tolist()]


def place_in_time(
    starts: Sequence[str | float],
    step: Step,
    sequences: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> "tuple[Array, TimeAxis]":
    """Return the times of rows (m,), and their axis.

    They are those of the data. Sequences at dates that are far apart begin at one step, as those
    without times do.

    Parameters
    ----------
    starts
        The times of the first steps of all sequences; empty if they are unknown.
    step
        The time between two steps.
    sequences, steps
        Of each row (m,): the sequence, from 0, and the step, from 1.
    """
    from service.figures.scales import TimeAxis  # noqa: PLC0415 - imports Matplotlib

    numbers = np.asarray(steps * step.length, np.float64)
    times = find_times(starts, step, sequences, steps - 1)
    if times.dtype.kind != "M":
        return np.asarray(times, dtype=np.float64), TimeAxis(name_times(step))
    days = (times - np.datetime64(0, "D")) / DAY
    first = find_first(sequences)
    spans = np.maximum.reduceat(days, first) - np.minimum.reduceat(days, first)
    if spans.max() < LEAST_SHARE * np.ptp(days):
        return numbers, TimeAxis(name_times(step))
    return np.asarray(days, np.float64), TimeAxis("", has_dates=True)


def find_marks(response: Mapping[str, Any], delay: float) -> list[tuple[float, str]]:
    """Return the times that are marked in a response, with their labels.

    An input without memory has none.

    Parameters
    ----------
    response
        That of an input in the JSON of a fit.
    delay
        The time after which inputs take effect.
    """
    peak, first, second = (response.get(name) for name in ("peak", *MARKS))
    marks = {"peak": peak and peak["time"]}
    if first != second:
        marks |= {MARKS[name]: response[name] for name in MARKS}
    times = [(delay + time, label) for label, time in marks.items() if time is not None]
    return [(time, f"{label}: {format_number(time, 3)}") for time, label in times]


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
