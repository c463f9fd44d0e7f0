"""Tools for assistants over the Model Context Protocol.

Their docstrings are the descriptions of the tools and of their parameters.
"""

import functools
import inspect
import io
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from linear_rnn import Client, LinearRNNError, __version__
from linear_rnn._names import check_keywords
from linear_rnn._tables import describe_fit

C = TypeVar("C", bound=Callable[..., Any])
Json: TypeAlias = dict[str, Any]
Answer: TypeAlias = Annotated[CallToolResult, Json]

SECTION = "\n\nParameters\n----------\n"  # of a docstring
MAX_TEXT = 6000  # characters of a response, about 1,500 tokens
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
def fit(
    csv: str | None = None,
    path: str | None = None,
    target: str | None = None,
    inputs: list[str] | None = None,
    time: str | None = None,
    sequence: str | None = None,
    options: Json | None = None,
) -> Answer:
    """Fit a time constant to series. The verdict comes first; it recommends changes.

    Roles of columns that are not given are proposed, and stated in the first line.

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
        the repairs that an error names: gaps, repeated, fill, grid, every, header and decimal.
    """
    columns: Any = {"target": target, "inputs": inputs, "time": time, "sequence": sequence}
    result = _client().fit(_open(csv, path), **columns, **(options or {}))
    names = ", ".join(each.name for each in result.inputs) or "none"
    alternatives = result._data["alternatives"] or []
    advice = [f"{each['reason']}: with options {each['options']}" for each in alternatives]
    roles = f"target {result.target}, inputs {names}; fit {result.id}"
    text = "\n".join([roles, result.summary(), *advice])
    return _answer(text, {**describe_fit(result), "alternatives": alternatives}, result)


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
    columns = {name: list(column) for name, column in predicted.items()}
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


server = _Server("linear-rnn", version=__version__, instructions="See describe first.", tools=TOOLS)
