"""Tools for assistants over the Model Context Protocol.

Their docstrings are the descriptions of the tools and of their parameters.
"""

import functools
import inspect
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from linear_rnn import Client, LinearRNNError, StatusError, __version__
from linear_rnn._inputs import _plain_list
from linear_rnn._names import check_keywords
from linear_rnn._tables import describe_fit

C = TypeVar("C", bound=Callable[..., Any])
Json: TypeAlias = dict[str, Any]
Answer: TypeAlias = Annotated[CallToolResult, Json]

SECTION = "\n\nParameters\n----------\n"  # of a docstring
MAX_TEXT = 6000  # characters of a response, about 1,500 tokens
NOT_CLEAR = "Repeat read_table with the options of a repair of each problem."
INSTRUCTIONS = (
    "For a table of measured series: read_table until it has no problems, then fit with the same "
    "options, then the options that its verdict recommends. State the verdict before the numbers, "
    "and no number of a fit whose level is rejected or no_effect. For the network, see describe."
)
TOOLS: list[Tool] = []
folder: Path | None = None  # with files that tools may read


@functools.cache
def _client() -> Client:
    return Client()


def _tool(function: C) -> C:
    """Register a tool whose errors recommend a change."""

    @functools.wraps(function)
    def call(*positional: Any, **keywords: Any) -> Any:
        try:
            return function(*positional, **keywords)
        except StatusError as error:
            raise ToolError(_explain(error, keywords.get("options"))[:MAX_TEXT]) from error
        except (LinearRNNError, OSError, TypeError, ValueError) as error:
            raise ToolError(str(error)[:MAX_TEXT]) from error

    annotations = ToolAnnotations(
        read_only_hint=function.__name__ not in {"fit", "train"},  # which store their results
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    description, _, parameters = str(inspect.getdoc(function)).partition(SECTION)
    tool = Tool.from_function(call, description=description, annotations=annotations)
    tool.parameters["additionalProperties"] = False
    for name, clause in re.findall(r"^(\w+)\n((?:    .+\n?)+)", parameters, re.MULTILINE):
        tool.parameters["properties"][name]["description"] = " ".join(clause.split())
    TOOLS.append(tool)
    return function


def _explain(error: StatusError, options: Json | None) -> str:
    """Return an error of the service in the words of a tool, with the repairs of a table."""
    details = [f"{each.pointer.strip('/')}: {each.text}" for each in error.errors]
    repairs = _list_repairs(error.problem.get("repairs"), options)
    return "\n".join([error.detail, *details[1:], *map(_describe_repair, repairs)])


def _list_repairs(repairs: Any, options: Json | None) -> list[Json]:
    """Return repairs of a table with the options that make them, besides those that are given."""
    return [
        {"label": each["label"], "options": {**(options or {}), **each["query"]}}
        for each in repairs or ()
    ]


def _describe_repair(repair: Json) -> str:
    return f"- {repair['label']}: options {json.dumps(repair['options'], ensure_ascii=False)}"


def _describe_notes(notes: list[Json]) -> list[str]:
    """Return each note on a table, with its repairs."""
    return [
        line
        for note in notes
        for line in (f"{note['sentence']}.", *map(_describe_repair, note["repairs"]))
    ]


class _Server(MCPServer):
    """A server that rejects misspelt arguments instead of ignoring them."""

    async def call_tool(self, name: str, arguments: Json, context: Any = None) -> Any:
        for tool in TOOLS:
            if tool.name == name:
                try:
                    check_keywords(name, arguments, tool.parameters["properties"])
                except TypeError as error:
                    raise ToolError(str(error)) from None
        return await super().call_tool(name, arguments, context)


def _answer(text: str, structured: Json, drawn: Any = None) -> CallToolResult:
    """Return a text, the same as JSON, and a picture."""
    content: list[Any] = [TextContent(type="text", text=text[:MAX_TEXT])]
    if drawn is not None:
        picture = drawn.plot(format="png", width=700).content
        content.append(Image(data=picture, format="png").to_image_content())
    return CallToolResult(content=content, structured_content=structured)


def _open(csv: str | None, path: str | None) -> Any:
    """Return the table of a tool: its text, or a file below the folder of this server."""
    if (csv is None) == (path is None):
        raise ValueError("give either csv or path")
    if path is None:
        return io.StringIO(csv)
    if folder is None:
        raise ValueError("this server reads no files; `linear-rnn-mcp FOLDER` reads those below")
    file = (folder / path).resolve()
    if not file.is_relative_to(folder):
        raise ValueError(f"{path} is not below the folder of this server")
    return file


@_tool
def describe() -> Answer:
    """List the optimizers with their parameters. This describes the network and datasets.

    A recurrent network of one neuron: S_k = w_rec S_(k-1) + w_in x_k, output S_T; the cost is the
    mean squared error of the outputs. It learns to count ones (optimum: both weights 1), and shows
    why training fails: gradients vanish for |w_rec| < 1, and explode above. `fit` finds the same
    recurrence in measured series: a time constant with an exact interval, and a verdict on whether
    to trust it. Read the verdict first.

    A dataset is JSON: {"kind": "count_ones", "n_samples": 20, "n_steps": 10, "seed": 1, "noise":
    0}, {"kind": "remember", ...}, {"kind": "explicit", "inputs": [[...]], "targets": [...]}, or
    {"kind": "stored", "id": "ds_..."}. Omitted fields default to the tutorial's values.
    """
    optimizers = {
        each.name: {parameter.name: parameter.default for parameter in each.parameters}
        for each in _client().optimizers()
    }
    return _answer(str(optimizers), {"optimizers": optimizers})


@_tool
def read_table(
    csv: str | None = None,
    path: str | None = None,
    target: str | None = None,
    inputs: list[str] | None = None,
    time: str | None = None,
    sequence: str | None = None,
    options: Json | None = None,
) -> Answer:
    """Read a table before it is fitted: the roles of its columns, problems, and their repairs.

    It stores nothing. Each repair has the options for the next call of `read_table`, and for `fit`.
    If the repairs assume different things, ask the person whose table it is.

    Parameters
    ----------
    csv
        A table as text: a header, then a row per step, in order.
    path
        A file instead of csv, below the folder with which this server was started.
    target
        The target, by default proposed.
    inputs
        The inputs, by default proposed; [] for none.
    time
        The column of times, by default proposed.
    sequence
        The column with the names of sequences, by default proposed.
    options
        Options of the table, such as those of a repair.
    """
    columns: Any = {"target": target, "inputs": inputs, "time": time, "sequence": sequence}
    columns = {name: value for name, value in columns.items() if value is not None}
    table = _client().read_table(_open(csv, path), **{**(options or {}), **columns})
    roles = {each.name: {"role": each.role, "because": each.because} for each in table.columns}
    problems = [
        {**asdict(each), "repairs": _list_repairs(map(asdict, each.repairs), options)}
        for each in table.problems
    ]
    lines = [f"{name}: {each['role']}, {each['because']}" for name, each in roles.items()]
    lines += [f"{sentence}." for sentence in table.repairs]
    is_clear = not any(each["is_error"] or each["is_open"] for each in problems)
    ready = f"The table is ready for fit, with options {json.dumps(options or {})}."
    lines += [*_describe_notes(problems), ready if is_clear else NOT_CLEAR]
    step = table.step and asdict(table.step)
    structured = {"columns": roles, "n_rows": table.n_rows, "step": step, "problems": problems}
    return _answer("\n".join(lines), {**structured, "repairs": table.repairs, "is_clear": is_clear})


@_tool
def fit(
    csv: str | None = None,
    path: str | None = None,
    target: str | None = None,
    inputs: list[str] | None = None,
    time: str | None = None,
    sequence: str | None = None,
    options: Json | None = None,
) -> Answer:
    """Fit a time constant to series, after `read_table`. The verdict comes first.

    It recommends changes, with their options. Roles of columns that are not given are proposed, and
    stated in the first line. While a note on the table has repairs, repair or confirm it first.

    Parameters
    ----------
    csv
        A table as text: a header, then a row per step, in order.
    path
        A file instead of csv, below the folder with which this server was started.
    target
        The column to fit.
    inputs
        The columns of inputs; [] for none.
    time
        The column of times.
    sequence
        The column with the names of sequences.
    options
        Fields of the fit, such as those of an alternative: delay (steps, or a range such as [0, 6]
        to search), noise, offset, initial_state, gains, curves, w_rec, time_constants, direct,
        trend, season, variance, confidence and step; and options of the table, such as those of
        the repairs in `read_table`: pivot, gaps, repeated, fill, grid, missing and decimal.
    """
    columns: Any = {"target": target, "inputs": inputs, "time": time, "sequence": sequence}
    columns = {name: value for name, value in columns.items() if value is not None}
    result = _client().fit(_open(csv, path), **{**(options or {}), **columns})
    data = result._data
    names = ", ".join(each.name for each in result.inputs) or "none"
    alternatives = [
        {**each, "options": {**(options or {}), **each["options"]}}
        for each in data["alternatives"] or []
    ]
    advice = [
        f"{each['reason']}: with options {json.dumps(each['options'])}" for each in alternatives
    ]
    notes = [
        {**each, "repairs": _list_repairs(each["repairs"], options)}
        for each in data["assumptions"] or []
    ]
    open_notes = [each for each in notes if each["is_open"]]
    roles = f"target {result.target}, inputs {names}; fit {result.id}"
    text = "\n".join([roles, result.summary(), *_describe_notes(open_notes), *advice])
    verdict = data["summary"] or {}
    gains = verdict.get("gains") or []
    structured = {
        **describe_fit(result),
        "sentences": verdict.get("sentences"),
        "gains": {each.name: gain for each, gain in zip(result.inputs, gains, strict=False)},
        "trust": data["trust"],
        "alternatives": alternatives,
        "table": notes,
    }
    return _answer(text, structured, result)


@_tool
def forecast(fit: str, inputs: dict[str, list[float]] | int, sequence: int | str = 0) -> Answer:
    """Continue a sequence of a fit: the mean, its band, and that of a new observation.

    Parameters
    ----------
    fit
        The id of a fit.
    inputs
        The future numbers of each input by its name; without inputs, the number of steps.
    sequence
        The sequence to continue: its name, or its position from 0.
    """
    predicted = _client().fits.get(fit).forecast(inputs, sequence=sequence)
    columns = {name: _plain_list(column) for name, column in predicted.items()}
    structured = {"columns": columns, "is_reliable": bool(predicted.trust)}
    return _answer(f"{predicted.summary()}\n{columns}", structured | asdict(predicted.notes))


@_tool
def compare_plans(
    fit: str,
    plans: dict[str, dict[str, list[float]]],
    sequence: int | str = 0,
    goal: Json | None = None,
) -> Answer:
    """Continue a sequence of a fit with plans, and compare them with the first one.

    It can also return the input that reaches an output. The verdict on the fit comes first.

    Parameters
    ----------
    fit
        The id of a fit.
    plans
        By the name of each plan, the future numbers of each input by its name, all of the same
        number of steps.
    sequence
        The sequence to continue: its name, or its position from 0.
    goal
        An output to reach by the choice of one input, such as {"output": 21, "input": "heating",
        "at": 24, "kind": "lasting"}. Without "at", in the long run; "once" for the first step only.
    """
    found: Any = goal
    compared = _client().fits.get(fit).compare_plans(plans, sequence=sequence, goal=found)
    differences = [
        {"plan": each.plan, "from": each.from_, "total": asdict(each.total)}
        for each in compared.differences
    ]
    reached = None if compared.goal is None else asdict(compared.goal)
    structured = {"differences": differences, "goal": reached}
    return _answer(compared.summary(), structured | asdict(compared.notes), compared)


@_tool
def train(
    w_in: float = -1.5,
    w_rec: float = 2.0,
    optimizer: str | Json | None = None,
    clip: Json | None = None,
    n_iterations: int = 500,
    dataset: Json | None = None,
) -> Answer:
    """Train from initial weights.

    Parameters
    ----------
    w_in
        The initial input weight.
    w_rec
        The initial recurrent weight.
    optimizer
        Such as "adam" or {"name": "adam", "learning_rate": 0.1}.
    clip
        Such as {"by": "norm", "threshold": 1}.
    n_iterations
        The number of iterations.
    dataset
        JSON of a dataset.
    """
    arguments: Json = {"optimizer": optimizer, "clip": clip, "dataset": dataset}
    run = _client().train(initial_weights=(w_in, w_rec), n_iterations=n_iterations, **arguments)
    return _answer(repr(run), run._data, run)


@_tool
def optimum(dataset: Json | None = None) -> Answer:
    """Find the exact global minimum of the cost, without training.

    Parameters
    ----------
    dataset
        JSON of a dataset.
    """
    result = _client().optimum(dataset=dataset)  # type: ignore[arg-type] # JSON
    return _answer(repr(result), result._data)


@_tool
def surface(
    w_in: tuple[float, float] = (-3.0, 3.0),
    w_rec: tuple[float, float] = (-3.0, 3.0),
    dataset: Json | None = None,
) -> Answer:
    """Draw the cost over a window of weights.

    Parameters
    ----------
    w_in
        The range of the input weight, from low to high.
    w_rec
        The range of the recurrent weight.
    dataset
        JSON of a dataset.
    """
    arguments: Json = {"dataset": dataset}
    result = _client().surface(windows=[{"w_in": w_in, "w_rec": w_rec}], **arguments)
    return _answer(repr(result), {"minimum": result._data["windows"][0]["minimum"]}, result)


@_tool
def trace(points: list[tuple[float, float]] | None = None, dataset: Json | None = None) -> Answer:
    """Trace the gradient back through time: where it vanishes or explodes.

    Parameters
    ----------
    points
        Pairs of w_in and w_rec.
    dataset
        JSON of a dataset.
    """
    result = _client().trace(points=points, dataset=dataset)  # type: ignore[arg-type] # JSON
    regimes = [{"point": asdict(each.point), "regime": each.regime} for each in result.traces]
    return _answer(repr(result), {"traces": regimes}, result)


server = _Server("linear-rnn", version=__version__, instructions=INSTRUCTIONS, tools=TOOLS)
