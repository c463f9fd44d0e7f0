"""Responses as text for a terminal: a verdict or a sentence first, then tables of numbers."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from service.errors import StartError

Json: TypeAlias = Mapping[str, Any]

MAX_STATES: Final = 8  # listed initial states
ENDS: Final = {
    "target_reached": "The cost reached its target after {} iterations.",
    "iterations_exhausted": "The run ended after {} iterations.",
    "diverged": "The run diverged after {} iterations: a weight is no longer finite.",
}


@cache
def load_json(name: str) -> Any:
    """Return the content of a file of this package; raises StartError without the file."""
    try:
        text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StartError(f"{name} is missing; run `make build` in the repository") from None
    return json.loads(text)


def format_example(line: str) -> str:
    """Return the last part of the help of a command: a valid command line."""
    return f"\b\nExample:\n  {line}"


def format_number(value: Any) -> str:
    """Return six digits of a number, a dash for null, and texts unchanged."""
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def format_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows under the names of their columns, texts to the left and numbers to the right."""
    texts = [columns, *([format_number(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    is_text = [isinstance(value, str) for value in rows[0]] if rows else []
    lines = []
    for row in texts:
        cells = zip(row, widths, is_text, strict=True)
        padded = (cell.ljust(width) if left else cell.rjust(width) for cell, width, left in cells)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def describe_run(run: Json) -> str:
    """Return the outcome of a run, and its first, its last and the lowest cost."""
    end = ENDS[run["outcome"]].format(run["iterations"])
    if run["gap_to_optimum"] is not None:
        end += f" Its cost is {format_number(run['gap_to_optimum'])} above the lowest possible."
    rows = [
        (name, *run[name]["weights"].values(), run[name]["cost"])
        for name in ("initial", "final", "optimum")
        if run[name] is not None
    ]
    return f"{end}\n\n{format_table(('', 'w_in', 'w_rec', 'cost'), rows)}"


def describe_outputs(answer: Json) -> str:
    """Return the output for every sequence."""
    return format_table(("sequence", "output"), [*enumerate(answer["outputs"])])


def describe_surfaces(answer: Json) -> str:
    """Return the lowest cost on the grid of every window."""
    rows = []
    for window in answer["windows"]:
        spans = (f"{axis[0]:g}:{axis[-1]:g}" for axis in (window["w_in"], window["w_rec"]))
        minimum = window["minimum"]
        rows.append((*spans, *minimum["weights"].values(), minimum["cost"]))
    return format_table(("w_in", "w_rec", "lowest at w_in", "w_rec", "cost"), rows)


def describe_traces(answer: Json) -> str:
    """Return the change of the gradient at every point."""
    rows = []
    for trace in answer["traces"]:
        gradient = trace["gradient"]
        growth = trace["growth_per_step"]
        rows.append((trace["regime"], *trace["point"].values(), growth, gradient[-1], gradient[0]))
    columns = ("gradient", "w_in", "w_rec", "growth per step", "at the output", "at the start")
    return format_table(columns, rows)


def describe_evaluations(answer: Json) -> str:
    """Return the cost and its gradient at every point."""
    rows = [
        (*each["weights"].values(), each["cost"], *each["weight_gradient"].values())
        for each in answer["evaluations"]
    ]
    return format_table(("w_in", "w_rec", "cost", "gradient w_in", "gradient w_rec"), rows)


def forecast_columns(answer: Json) -> dict[str, Sequence[Any]]:
    """Return the columns of a forecast: times or steps, the mean and its bands."""
    (means,) = answer["outputs"]
    first = {"time": answer["times"][0]} if answer["times"] else {"step": range(1, len(means) + 1)}
    bands = {name: answer[name][0] for name in ("low", "high", "new_low", "new_high")}
    return {**first, "mean": means, **bands}


def describe_forecast(answer: Json) -> str:
    """Return the notes, the verdict first, and without plans the mean and the bands by time."""
    notes = "\n".join(answer["summary"]["sentences"])
    if answer["plans"]:
        return notes
    columns = forecast_columns(answer)
    return f"{notes}\n\n{format_table([*columns], [*zip(*columns.values(), strict=True)])}"


def describe_optimum(answer: Json) -> str:
    """Return the location of the optimum, if there is one."""
    verdict = "The optimum is unique." if answer["unique"] else "Other weights have the same cost."
    if not answer["attained"]:
        verdict = "No weights attain the lowest cost; it is approached at infinity."
    row = (*answer["weights"].values(), answer["cost"])
    return f"{verdict}\n\n{format_table(('w_in', 'w_rec', 'cost'), [row])}"


def describe_optimizers(answer: Json) -> str:
    """Return the parameters of all optimizers."""
    rows = [
        (item["name"], *(parameter[field] for field in ("name", "default", "description")))
        for item in answer["items"]
        for parameter in item["parameters"]
    ]
    return format_table(("optimizer", "parameter", "default", "effect"), rows)


def describe_fit(result: Json) -> str:
    """Return the summary of a fit, the options of better fits, and the estimates.

    Without a verdict, these are the estimates alone.
    """
    if "request" not in result:  # a fit per group
        names = ("group", "level", "time_constant", "low", "high", "summary")
        return format_table(names, [[row.get(each) for each in names] for row in result["groups"]])
    request = result["request"]
    summary = result["summary"]
    columns = ("", "estimate", f"{100 * request['confidence']:g} % from", "to", "unit")
    table = format_table(columns, [*_rows(result, request["step"]["unit"])])
    if summary is None:
        return table
    options = map(_describe_options, result["alternatives"])
    if summary["interval"]["noise"] == "ar1" and result["rho"] is None:
        table = f"The same with white noise:\n\n{table}"
    return "\n".join((summary["headline"], "", *summary["sentences"], *options, "", table))


def _describe_options(alternative: Json) -> str:
    """Return the options of a better fit, and its quality."""
    times = " and ".join(map(format_number, alternative["time_constants"]))
    r_squared = format_number(alternative["r_squared"])
    return f"With {write_options(alternative['options'])}: time constant {times}, R² {r_squared}."


def write_options(fields: Json) -> str:
    """Return fields of a request as options of the command."""
    flags = []
    for name, value in fields.items():
        flag = f"--{name.replace('_', '-').removesuffix('s' * (name == 'gains'))}"
        if name == "gains" and isinstance(value, Mapping):
            texts = [f"--gain {key}={gain:g}" for key, gain in value.items()]
            flags += texts or ["no --gain"]
        elif isinstance(value, list | tuple):
            flags += [f"{flag.removesuffix('s')} {each}" for each in value]
        elif isinstance(value, Mapping):
            flags.append(f"{flag} {':'.join(f'{end:g}' for end in value.values())}")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            flags.append(f"{flag} {shlex.quote(text)}")
    return " ".join(flags)


def _rows(result: Json, unit: str) -> Iterator[tuple[Any, ...]]:
    """Yield the estimates: a name, a value, the ends of its interval and the unit."""
    for number, state in enumerate(result["states"], 1):
        ending = f" {number}" if len(result["states"]) > 1 else ""
        for name in ("time_constant", "half_life", "w_rec"):
            value, own_unit = state[name]["value"], "" if name == "w_rec" else unit
            if value is not None:
                for interval in state[name]["intervals"] or [{}]:
                    ends = interval.get("low"), interval.get("high")
                    yield name + ending, value, *ends, own_unit
    # The response has the interval of the ar1 fit, but not its value.
    has_cautious = result["rho"] is None and result["trust"] is not None
    for interval in (result["trust"]["cautious"] or ()) if has_cautious else ():
        yield "w_rec, cautious (ar1)", None, interval["low"], interval["high"], ""
    for name, estimate in _linear(result):
        if estimate is not None:
            yield name, estimate["value"], estimate["low"], estimate["high"], ""
    if result["rho"] is not None:
        yield "rho", result["rho"], None, None, ""
    if result["delay"]["value"] or len(result["delay"]["costs"]) > 1:
        yield "delay", result["delay"]["value"], None, None, "steps"


def _linear(result: Json) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that are linear given w_rec."""
    for entry in result["inputs"]:
        yield f"w_in of {entry['name']}", entry["w_in"]
        yield f"gain of {entry['name']}", entry["steady_state_gain"]
        for each in (entry["gains"] or [])[:MAX_STATES]:
            yield f"gain of {entry['name']} in {each['sequence']}", each
    if result["offsets"] is None:
        yield "offset", result["offset"]
    for each in (result["offsets"] or [])[:MAX_STATES]:
        yield f"offset of {each['sequence']}", each
    for i, state in enumerate((result["initial_states"] or [])[:MAX_STATES]):
        yield f"initial state {i}", state
