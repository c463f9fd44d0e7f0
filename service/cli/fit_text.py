"""A fit as text: first whether to trust it, then its numbers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.cli.text import format_number, format_table

MAX_STATES: Final = 8  # initial states that are listed
QUALITY: Final = {"targets": "n_targets", "R²": "r_squared", "rmse": "rmse"}


def describe_fit(result: Mapping[str, Any]) -> str:
    """Return the verdict on a fit, its estimates with their intervals, and its quality."""
    request = result["request"]
    percent = f"{100 * request['confidence']:g} %"
    columns = ("", "estimate", f"{percent} from", "to", "unit")
    table = format_table(columns, [*_rows(result, request["step"]["unit"])])
    quality = (f"{name} {format_number(result[field])}" for name, field in QUALITY.items())
    return "\n".join((*_verdict(result), "", table, "", ", ".join(quality)))


def _verdict(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield whether to trust the interval, what was found, and the options that help."""
    trust = result["trust"]
    yield "Trust the interval." if trust["interval"] else "Do not trust the interval."
    for finding in trust["findings"]:
        yield f"- {finding['sentence']} {finding['advice']}"
    for other in result["alternatives"]:
        time, r_squared = map(format_number, (other["time_constant"], other["r_squared"]))
        yield f"- With {_flags(other['options'])}: time constant {time}, R² {r_squared}."


def _flags(options: Mapping[str, Any]) -> str:
    """Return the options of a request as those of the command."""
    flags = []
    for name, value in options.items():
        is_range = isinstance(value, Mapping)
        text = ":".join(f"{end:g}" for end in value.values()) if is_range else str(value).lower()
        flags.append(f"--{name.replace('_', '-')} {text}")
    return " ".join(flags)


def _rows(result: Mapping[str, Any], unit: str) -> Iterator[tuple[Any, ...]]:
    """Yield the estimates: a name, a value, the ends of its interval and the unit."""
    for name in ("time_constant", "half_life", "w_rec"):
        value, own_unit = result[name]["value"], "" if name == "w_rec" else unit
        if value is not None:
            for interval in result[name]["intervals"] or [{}]:
                yield name, value, interval.get("low"), interval.get("high"), own_unit
    # The response has the interval of the ar1 fit, but not its value.
    for interval in (result["trust"]["cautious"] or ()) if result["rho"] is None else ():
        yield "w_rec, cautious (ar1)", None, interval["low"], interval["high"], ""
    for name, estimate in _linear(result):
        if estimate is not None:
            yield name, estimate["value"], estimate["low"], estimate["high"], ""
    if result["rho"] is not None:
        yield "rho", result["rho"], None, None, ""
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
