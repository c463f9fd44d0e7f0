"""A fit as text: first whether to trust it, then its numbers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.cli.text import format_number, format_table
from service.engine.data import Step
from service.rendering.labels import fit_headline

MAX_STATES: Final = 8  # initial states that are listed
QUALITY: Final = {"targets": "n_targets", "R²": "r_squared", "rmse": "rmse"}


def describe_fit(result: Mapping[str, Any]) -> str:
    """Return the verdict on a fit, its estimates with their intervals, and its quality."""
    request = result["request"]
    headline = fit_headline(result, Step(**request["step"]), request["confidence"])
    percent = f"{100 * request['confidence']:g} %"
    columns = ("", "estimate", f"{percent} from", "to", "unit")
    table = format_table(columns, [*_rows(result, request["step"]["unit"])])
    quality = (f"{name} {format_number(result[field])}" for name, field in QUALITY.items())
    return f"{headline}\n\n{table}\n\n{', '.join(quality)}"


def _rows(result: Mapping[str, Any], unit: str) -> Iterator[tuple[Any, ...]]:
    """Yield the estimates: a name, a value, the ends of its interval and the unit."""
    for name in ("time_constant", "half_life", "w_rec"):
        value, own_unit = result[name]["value"], "" if name == "w_rec" else unit
        if value is not None:
            for piece in result[name]["intervals"] or [{}]:
                yield name, value, piece.get("low"), piece.get("high"), own_unit
    for name, estimate in _linear(result):
        if estimate is not None:
            yield name, estimate["value"], estimate["low"], estimate["high"], ""
    if result["delay"]["value"] or len(result["delay"]["costs"]) > 1:
        yield "delay", result["delay"]["value"], None, None, "steps"


def _linear(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that are linear given w_rec."""
    for entry in result["inputs"]:
        yield f"w_in of {entry['name']}", entry["w_in"]
        yield f"gain of {entry['name']}", entry["steady_state_gain"]
    yield "offset", result["offset"]
    for i, state in enumerate((result["initial_states"] or [])[:MAX_STATES]):
        yield f"initial state {i}", state
