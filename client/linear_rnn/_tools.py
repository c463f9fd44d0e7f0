"""Tools for assistants over the Model Context Protocol."""

import functools
import io
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from linear_rnn import Client, LinearRNNError
from linear_rnn import _text as text
from linear_rnn._names import check_keywords

P = ParamSpec("P")
R = TypeVar("R")

WIDTH = 700  # of pictures, in pixels
MAX_TEXT = 6000  # characters of a response, about 1,500 tokens

DESCRIPTION = """\
A recurrent network of one neuron: S_k = w_rec S_(k-1) + w_in x_k, output S_T; the cost is the mean
squared error of the outputs. It learns to count ones (optimum: both weights 1), and shows why
training fails: gradients vanish for |w_rec| < 1, and explode above.
`fit` finds the same recurrence in measured series: a time constant with an exact interval, and a
verdict on whether to trust it. Read the verdict first.
A dataset is JSON: {"kind": "count_ones", "n_samples": 20, "n_steps": 10, "seed": 1, "noise": 0},
{"kind": "remember", ...}, {"kind": "explicit", "inputs": [[...]], "targets": [...]}, or
{"kind": "stored", "id": "ds_..."}. Omitted fields default to the tutorial's values.
Optimizers, with their parameters:
"""

TOOLS: list[Tool] = []


@functools.cache
def _client() -> Client:
    return Client()


def _tool(function: Callable[P, R]) -> Callable[P, R]:
    """Register a tool whose errors recommend a change."""

    @functools.wraps(function)
    def call(*positional: P.args, **keywords: P.kwargs) -> R:
        try:
            return function(*positional, **keywords)
        except (LinearRNNError, TypeError, ValueError) as error:
            raise ToolError(str(error)[:MAX_TEXT]) from error

    tool = Tool.from_function(call, structured_output=False)
    tool.parameters["additionalProperties"] = False
    TOOLS.append(tool)
    return call


class _Server(MCPServer):
    """A server that rejects misspelt arguments instead of ignoring them."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        for tool in TOOLS:
            if tool.name == name:
                try:
                    check_keywords(name, arguments, tool.parameters["properties"])
                except TypeError as error:
                    raise ToolError(str(error)) from None
        return await super().call_tool(name, arguments, context)


def _image(result: Any) -> Image:
    return Image(data=result.plot(format="png", width=WIDTH).content, format="png")


@_tool
def describe() -> str:
    """Describe the network, datasets, and the optimizers with their parameters."""
    lines = []
    for optimizer in _client().optimizers():
        parameters = ", ".join(f"{p.name}={p.default}" for p in optimizer.parameters)
        lines.append(f"{optimizer.name}: {parameters}")
    return DESCRIPTION + "\n".join(lines)


@_tool
def fit(
    csv: str,
    target: str | None = None,
    inputs: list[str] | None = None,
    time: str | None = None,
    sequence: str | None = None,
    delay: int | tuple[int, int] = 0,
    noise: Literal["white", "ar1"] = "white",
    offset: bool | None = None,
) -> list[str | Image]:
    """Fit a time constant to series in CSV text: a header, then a row per step, in order.

    Columns without a name are proposed, and stated in the first line. `delay` is in steps; a range
    such as [0, 6] is searched. The verdict comes first; it recommends changes if the interval
    should not be trusted.
    """
    columns = {"target": target, "inputs": inputs, "time": time, "sequence": sequence}
    stored = _client().upload_series(io.StringIO(csv), **columns)  # type: ignore[arg-type]
    result = _client().fit(stored, delay=delay, noise=noise, offset=offset)
    return [f"{stored.roles}\n{result.summary()}"[:MAX_TEXT], _image(result)]


@_tool
def train(
    w_in: float = -1.5,
    w_rec: float = 2.0,
    optimizer: str | dict[str, Any] | None = None,
    clip: dict[str, Any] | None = None,
    n_iterations: int = 500,
    dataset: dict[str, Any] | None = None,
) -> list[str | Image]:
    """Train from initial weights.

    `optimizer` is such as "adam" or {"name": "adam", "learning_rate": 0.1}, and `clip` {"by":
    "norm", "threshold": 1}.
    """
    arguments: dict[str, Any] = {"optimizer": optimizer, "clip": clip, "dataset": dataset}
    run = _client().train(initial_weights=(w_in, w_rec), n_iterations=n_iterations, **arguments)
    return [repr(run), _image(run)]


@_tool
def optimum(dataset: dict[str, Any] | None = None) -> str:
    """Find the exact global minimum of the cost, without training."""
    result = _client().optimum(dataset=dataset)  # type: ignore[arg-type] # JSON
    attained = "attained" if result.attained else "not attained: it is at infinity"
    weights = f"w_in {text.number(result.weights.w_in)}, w_rec {text.number(result.weights.w_rec)}"
    return f"The minimum is {attained}; unique: {result.unique}\n{weights}, cost {result.cost}"


@_tool
def surface(
    w_in: tuple[float, float] = (-3.0, 3.0),
    w_rec: tuple[float, float] = (-3.0, 3.0),
    dataset: dict[str, Any] | None = None,
) -> list[str | Image]:
    """Draw the cost over a window of weights, each from low to high."""
    arguments: dict[str, Any] = {"dataset": dataset}
    result = _client().surface(windows=[{"w_in": w_in, "w_rec": w_rec}], **arguments)
    return [repr(result), _image(result)]


@_tool
def trace(
    points: list[tuple[float, float]] | None = None, dataset: dict[str, Any] | None = None
) -> list[str | Image]:
    """Trace the gradient back through time at (w_in, w_rec): where it vanishes or explodes."""
    arguments: dict[str, Any] = {"dataset": dataset}
    result = _client().trace(points=points, **arguments)
    return [repr(result), _image(result)]


server = _Server("linear-rnn", instructions="Call describe first.", tools=TOOLS)
