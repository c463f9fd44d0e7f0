# Generated from _async by `make openapi`: do not edit.
"""Results, with methods to load, draw and manage them."""

import builtins
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, Unpack

from linear_rnn import _models as m
from linear_rnn import _text as text
from linear_rnn._arrays import Array, read_csv, read_npz, to_column
from linear_rnn._diagnostics import draw
from linear_rnn._errors import JobCancelled, JobFailed, LinearRNNError
from linear_rnn._inputs import check_dates, id_of, read_steps
from linear_rnn._names import suggest_keywords
from linear_rnn._progress import Progress
from linear_rnn._sync.connection import Connection, read_json, request_id_of
from linear_rnn._sync.pictures import Picture, PictureOptions
from linear_rnn._tables import FIRST_ROWS, Rows, Table, lengthen, stack

if TYPE_CHECKING:
    import pandas
    import polars

    from linear_rnn._figures import ShownFigure

PAGE = 100  # resources per request of a list
UNFINISHED = frozenset({"queued", "running"})

T = TypeVar("T", bound="Result")


class Result:
    """A response, and the client that requested it.

    Attributes
    ----------
    request_id
        The id of its last request in the log of the service.
    """

    _connection: Connection
    _data: dict[str, Any]
    _request: dict[str, Any]
    request_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the request, which reproduces the result.

        >>> optimum = rnn.optimum(dataset={"kind": "remember"})
        >>> rnn.optimum(**optimum.to_dict()).unique
        False
        """
        return self._request

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


class Stored(Result):
    """A result that the service stores. It equals another one with the same content."""

    PATH: ClassVar[str]
    id: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self.id)


@suggest_keywords
class Drawable(Result):
    """A result with a picture."""

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        """Return the path of the picture without suffix, and the request if it requires one."""
        raise NotImplementedError

    def plot(self, **options: Unpack[PictureOptions]) -> Picture:
        """Draw the result: format, width, height, dpi, theme and title are optional.

        >>> rnn.trace().plot(theme="dark", width=900)  # doctest: +ELLIPSIS
        <svg picture of ... bytes; .save(path) writes it>
        """
        path, request = self._picture()
        query = {name: value for name, value in options.items() if name != "format"}
        picture = Picture(partial(self._connection.file, query=query, request=request), path)
        return picture.load(options.get("format", "svg"))


class Surface(Drawable, m.CostSurfaceResponse, Table):
    """The cost on windows of weights; ``w_in``, ``w_rec`` and ``cost`` are those of the first."""

    @property
    def w_in(self) -> Array:
        """Columns of the first window."""
        return self.windows[0].w_in

    @property
    def w_rec(self) -> Array:
        """Rows of the first window."""
        return self.windows[0].w_rec

    @property
    def cost(self) -> Array:
        """Cost in the first window: rows w_rec, columns w_in."""
        return self.windows[0].cost

    def columns(self) -> dict[str, Any]:
        """Return the columns window, w_in, w_rec and cost, with a row per cell.

        >>> len(rnn.surface().columns()["cost"])
        1250
        """
        grids = [lengthen(grid.w_in, grid.w_rec, cost=grid.cost) for grid in self.windows]
        numbers = [k for k, grid in enumerate(grids) for _ in grid["cost"]]
        return {"window": numbers, **stack(grids)}

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        request = dict(self._request)
        if "windows" in request:  # pictures have the resolution of their pixels
            ranges = [dict(window) for window in request["windows"]]
            for window in ranges:
                window.pop("resolution", None)
            request["windows"] = ranges
        return "/v1/cost-surface", request

    def __repr__(self) -> str:
        minima = [
            f"  w_in {w.w_in[0]:g} to {w.w_in[-1]:g}, w_rec {w.w_rec[0]:g} to {w.w_rec[-1]:g}: "
            f"{len(w.w_in)} × {len(w.w_rec)} cells, lowest cost {text.number(w.minimum.cost)}"
            for w in self.windows[:3]
        ]
        return "\n".join(["<Surface", *minima]) + ">"


class Trace(Drawable, m.GradientTraceResponse, Table):
    """The gradient traced back through time, at several points."""

    def columns(self) -> dict[str, Any]:
        """Return the columns w_in, w_rec, k, gradient, log10_magnitude and sign.

        >>> rnn.trace(points=[(1, 2)]).columns()["k"][-1]
        10
        """
        tables = []
        for trace in self.traces:
            n, at = len(trace.sign), trace.point
            point = {"w_in": [at.w_in] * n, "w_rec": [at.w_rec] * n, "k": range(n)}
            names = ("gradient", "log10_magnitude", "sign")
            tables.append({**point, **{name: getattr(trace, name) for name in names}})
        return stack(tables)

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        return "/v1/gradient-trace", self._request

    def __repr__(self) -> str:
        named = [f"({e.point.w_in:g}, {e.point.w_rec:g}) {e.regime}" for e in self.traces[:6]]
        return f"<Trace of {len(self.traces)} points: {', '.join(named)}>"


class Prediction(Result, m.PredictResponse, Table):
    """The outputs of the network."""

    def columns(self) -> dict[str, Any]:
        """Return the column output.

        >>> rnn.predict(inputs=[[0, 1, 1], [1, 1, 1]]).columns()["output"].tolist()
        [2.0, 3.0]
        """
        return {"output": self.outputs}

    def __repr__(self) -> str:
        shown = ", ".join(map(text.number, self.outputs[:8]))
        more = ", …" if len(self.outputs) > 8 else ""
        return f"<Prediction of {len(self.outputs)} sequences: {shown}{more}>"


class Optimum(Result, m.OptimumResponse):
    """The exact global minimum of the cost."""


class GradientCheck(Result, m.GradientCheckResponse):
    """Backpropagation compared with finite differences."""


class Evaluations(Result, m.EvaluateResponse):
    """The cost, its gradient and the outputs at several points."""

    def __repr__(self) -> str:
        shown = ", ".join(text.number(each.cost) for each in self.evaluations[:8])
        more = ", …" if len(self.evaluations) > 8 else ""
        return f"<Evaluations of {len(self.evaluations)} points: cost {shown}{more}>"


@suggest_keywords
class Computation(Drawable, Stored):
    """A training run, a basin map or a fit: queued, running or finished."""

    status: Any
    progress: m.Progress
    request: dict[str, Any]
    error: m.Problem | None

    def to_dict(self) -> dict[str, Any]:
        """Return the request, which reproduces the result.

        >>> run = rnn.train(n_iterations=50)
        >>> rnn.train(**run.to_dict()).id == run.id
        True
        """
        return {name: value for name, value in self.request.items() if name != "keep"}

    def wait(self, *, progress: bool = False) -> Self:
        """Wait until it has finished, and return it. The service may restart meanwhile.

        >>> job = rnn.train(n_iterations=2000, wait=False)
        >>> job.wait().status
        'succeeded'

        Raises
        ------
        JobFailed, JobCancelled
            If it did not succeed.
        """
        bar = Progress(str(self.id)[:12]) if progress and self.status in UNFINISHED else None
        while self.status in UNFINISHED:
            if bar is not None:
                self._follow(bar)
            seconds = self._connection.wait_seconds
            self._update("GET", self._path, wait=seconds, waits=True)
        if bar is not None:
            bar.show(self.progress.done, self.progress.total, None)
            bar.close()
        if self.status == "failed":
            detail = self.error.detail if self.error is not None else "no reason is known"
            raise JobFailed(f"{self.id} failed: {detail}")
        if self.status == "cancelled":
            raise JobCancelled(f"{self.id} was cancelled")
        return self

    def refresh(self, *, wait: int = 0) -> Self:
        """Request the current state, after at most ``wait`` seconds if it is unfinished.

        >>> rnn.train(n_iterations=2000, wait=False).refresh(wait=10).iterations
        2000
        """
        return self._update("GET", self._path, wait=wait)

    def cancel(self) -> Self:
        """Cancel it, unless it has finished.

        >>> rnn.train(n_iterations=60).cancel().status
        'succeeded'
        """
        return self._update("POST", f"{self._path}/cancel")

    @property
    def table(self) -> Rows:
        """Return the numbers of the result as columns."""
        raise NotImplementedError

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the numbers of the result as a table of pandas.

        >>> found = rnn.map_basins(window={"resolution": 4}, n_iterations=20)
        >>> found.to_pandas().shape
        (16, 5)
        """
        return self.table.to_pandas()

    def to_polars(self) -> "polars.DataFrame":
        """Return the numbers of the result as a table of polars.

        >>> found = rnn.map_basins(window={"resolution": 4}, n_iterations=20)
        >>> found.to_polars().shape
        (16, 5)
        """
        return self.table.to_polars()

    def _follow(self, bar: Progress) -> None:
        """Show the progress until it has finished, or until the connection ends."""
        for name, content in self._connection.events(f"{self._path}/events"):
            if name == "done":
                return
            data = json.loads(content)
            bar.show(data["done"], data["total"], data.get("cost"))

    def _update(self, method: str, path: str, *, wait: int = 0, waits: bool = False) -> Self:
        """Replace the fields by those of a response."""
        headers = {"Prefer": f"wait={wait}"} if wait else None
        connection = self._connection
        response = connection.request(method, path, headers=headers, waits=waits)
        fresh = self._connection.receive(type(self), response, self._request)
        self.__dict__.update(vars(fresh))
        return self

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        return self._path, None

    @property
    def _path(self) -> str:
        return f"{self.PATH}/{id_of(self)}"

    def _load(self, name: str, path: str) -> dict[str, Any]:
        """Return the columns or arrays of a file, once; if not stored, those of the response."""
        loaded: dict[str, dict[str, Any]] = self.__dict__.setdefault("_loaded", {})
        if name not in loaded and self._data.get(name) is not None:
            loaded[name] = {key: to_column(values) for key, values in self._data[name].items()}
        if name not in loaded:
            content = self._connection.file(f"{self._path}{path}")
            loaded[name] = read_npz(content) if path.endswith(".npz") else read_csv(content)
        return loaded[name]


class Run(Computation, m.TrainingRun):
    """A training run."""

    PATH = "/v1/training-runs"

    @property
    def trajectory(self) -> Rows:
        """Return the columns iteration, w_in, w_rec, cost and log10_cost by recorded iteration."""
        return Rows(self._load("trajectory", "/trajectory.csv"))

    table = trajectory

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        return f"{self._path}/trajectory", None

    def _repr_html_(self) -> str:
        picture = b"" if self.status != "succeeded" else self.plot().content
        return text.to_html(repr(self)) + picture.decode()

    def __repr__(self) -> str:
        if self.status != "succeeded":
            return f"<Run {self.id}: {self.status}, {self.progress.done} of {self.progress.total}>"
        weights = self.final.weights
        return (
            f"<Run {self.id}\n  {self.outcome} after {self.iterations} iterations, cost "
            f"{text.number(self.final.cost)}\n  w_in {text.number(weights.w_in)}, "
            f"w_rec {text.number(weights.w_rec)}>"
        )


class BasinMap(Computation, m.BasinMap):
    """The outcome of training from every point of a grid; rows are w_rec, columns w_in."""

    PATH = "/v1/basin-maps"

    @property
    def arrays(self) -> dict[str, Any]:
        """Return the arrays w_in, w_rec, cost, iterations and outcome."""
        return self._load("map", ".npz")

    @property
    def outcomes(self) -> Any:
        """Return the outcome in every cell."""
        return self.arrays["outcome"]

    @property
    def table(self) -> Rows:
        """Return the columns w_in, w_rec, cost, iterations and outcome, with a row per cell."""
        return Rows(lengthen(**self.arrays))

    def __repr__(self) -> str:
        if self.status != "succeeded":
            return f"<BasinMap {self.id}: {self.status}>"
        shares = {name: f"{share:.0%}" for name, share in vars(self.shares).items()}
        return f"<BasinMap {self.id}\n  {', '.join(f'{n} {s}' for n, s in shares.items())}>"


class FitTable(Drawable, Rows):
    """Columns of a fit, which can also be plotted."""

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        return self._request["path"], None


class Forecast(Rows):
    """A prediction for every step of one sequence.

    The columns are mean, low and high (the band of the mean), new_low and new_high (the band of a
    new observation). A forecast of a sequence with dates has the column time.

    Attributes
    ----------
    notes
        The level of the fit, and notes on the forecast.
    trust
        The verdict on the fit; None for a fit without one.
    request_id
        The id of its request in the log of the service.
    """

    def __init__(self, answer: m.FitPredictResponse, request_id: str | None) -> None:
        super().__init__(self._list_columns(answer))
        self.notes: m.PredictionSummary = answer.summary
        self.trust: m.TrustReport | None = answer.trust
        self.request_id: str | None = request_id

    def summary(self) -> str:
        """Return the notes: the verdict on the fit, and inputs beyond those of the data.

        >>> print(rnn.fit().forecast([2]).summary())
        Use with caution: Effects do not decay: w_rec 1
        input reaches 2; in the data it is at most 1.
        """
        return "\n".join(self.notes.sentences)

    @staticmethod
    def _list_columns(answer: m.FitPredictResponse, k: int = 0) -> dict[str, Any]:
        times = {"time": to_column(answer.times[0])} if answer.times else {}
        names = ("low", "high", "new_low", "new_high")
        bands = {name: getattr(answer, name)[k] for name in names}
        return {**times, "mean": answer.outputs[k], **bands}


class Plans(Drawable, Forecast):
    """A prediction for every step of several plans, and the differences from the first plan.

    The columns are plan, step, those of a forecast, and difference, difference_low and
    difference_high, which are nan for the first plan.

    Attributes
    ----------
    differences
        The differences of the other plans from the first, with their totals.
    goal
        The input that reaches the goal; None without one.
    """

    def __init__(self, answer: m.FitPredictResponse, request_id: str | None) -> None:
        super().__init__(answer, request_id)
        self.differences: list[m.DifferenceReport] = answer.differences or []
        self.goal: m.GoalReport | None = answer.goal

    def _picture(self) -> tuple[str, dict[str, Any] | None]:
        return "/v1/predict", self._request

    def _repr_html_(self) -> str:
        return text.to_html(self.summary()) + self.plot().content.decode()

    @staticmethod
    def _list_columns(answer: m.FitPredictResponse, k: int = 0) -> dict[str, Any]:
        n_steps = len(answer.outputs[k])
        none = [math.nan] * n_steps
        bands: list[tuple[Any, Any, Any]] = [(none, none, none)]
        bands += [(each.outputs, each.low, each.high) for each in answer.differences or []]
        tables = []
        for i, (name, band) in enumerate(zip(answer.plans or [], bands, strict=True)):
            steps = {"plan": [name] * n_steps, "step": range(1, n_steps + 1)}
            names = ("difference", "difference_low", "difference_high")
            difference = dict(zip(names, band, strict=True))
            tables.append({**steps, **Forecast._list_columns(answer, i), **difference})
        return stack(tables)


@suggest_keywords
class Fit(Computation, m.FitResource):
    """A recurrence fitted to data."""

    PATH = "/v1/fits"

    def summary(self) -> str:
        """Return the fit in words, then the numbers.

        >>> print(rnn.fit().summary())  # doctest: +ELLIPSIS
        Effects do not decay...
        """
        return text.summary(self)

    def _repr_html_(self) -> str:
        if self.status != "succeeded":
            return text.to_html(repr(self))
        return text.to_html(self.summary()) + self.plot().content.decode()

    def conf_int(self) -> dict[str, list[m.Interval]]:
        """Return the confidence intervals by name; each may have several pieces and open ends.

        Of several time constants, the names end with their numbers, such as ``w_rec_2``.

        >>> list(rnn.fit().conf_int())
        ['w_rec', 'time_constant', 'half_life']
        """
        return {
            f"{name}_{number}" if len(self.states) > 1 else name: getattr(state, name).intervals
            for number, state in enumerate(self.states, 1)
            for name in ("w_rec", "time_constant", "half_life")
        }

    @property
    def table(self) -> Rows:
        """Return the columns sequence, step, time, target, prediction, low, high and residual.

        Sequences have their names, if they have some.
        """
        loaded = self._load("arrays", ".csv")
        columns = {name: loaded[name] for name in loaded if name[:8] != "profile_"}
        if self.sequence_names:
            columns["sequence"] = [self.sequence_names[int(k)] for k in columns["sequence"]]
        return Rows(columns)

    @property
    def residuals(self) -> Array:
        """Return targets minus predictions; nan where there is no target."""
        residuals: Array = self.table["residual"]
        return residuals

    def profile(self) -> FitTable:
        """Return the cost as a function of w_rec, which can also be plotted.

        >>> list(rnn.fit().profile())[:2]
        ['w_rec', 'cost']
        """
        return self._open("profile")

    @property
    def response(self) -> FitTable:
        """Return the change of the target after one lasting unit of each input, with its band."""
        return self._open("response")

    @property
    def contributions(self) -> FitTable:
        """Return what start, baseline and each input contribute to the fit.

        Sequences have their names, if they have some.
        """
        found = self._open("contributions")
        if self.sequence_names:
            name = next(iter(found))
            found._columns[name] = [self.sequence_names[int(k)] for k in found[name]]
        return found

    @property
    def group_table(self) -> FitTable:
        """Return the level and the gains of each sequence, with intervals.

        The columns are sequence (empty for what all share), input (empty for the level), value, low
        and high.
        """
        return self._open("groups")

    def _open(self, name: str) -> FitTable:
        found = FitTable(self._load(name, f"/{name}.csv"))
        found._connection, found._request = self._connection, {"path": f"{self._path}/{name}"}
        return found

    @property
    def diagnostics(self) -> "Diagnostics":
        """The residuals, to plot."""
        return Diagnostics(self)

    def predict(self, inputs: Any, *, initial_state: float | None = None) -> Forecast:
        """Predict a new sequence from its inputs: a table, columns by name, or rows.

        >>> rnn.fit().predict([0, 1, 1]).mean.round(6).tolist()
        [0.0, 1.0, 2.0]
        """
        return self._predict(inputs, None, initial_state)

    def forecast(self, inputs: Any, *, sequence: int | str = 0) -> Forecast:
        """Continue a sequence of the fit after its last step.

        >>> rnn.fit().forecast([1, 1]).new_high.shape
        (2,)

        Parameters
        ----------
        inputs
            A table, columns by name, or rows; without inputs, the number of steps. The dates of a
            table must continue the sequence.
        sequence
            The position of the sequence, or its name.

        Raises
        ------
        LinearRNNError
            If the dates of the table do not continue the sequence.
        """
        return self._predict(inputs, self._continue(sequence))

    def compare_plans(
        self,
        plans: Mapping[str, Any],
        *,
        sequence: int | str | None = 0,
        initial_state: float | None = None,
        goal: m.Goal | None = None,
    ) -> Plans:
        """Predict several plans of inputs, and compare them with the first.

        >>> plans = {"once": [1, 0], "twice": [1, 1]}
        >>> print(rnn.fit().compare_plans(plans).summary())  # doctest: +ELLIPSIS
        Use with caution: Effects do not decay: w_rec 1
        With plan once, target ends at ...

        Parameters
        ----------
        plans
            The inputs of each plan by its name: tables, columns by name, or rows, all of the same
            steps.
        sequence
            The sequence to continue, as in `forecast`; None to begin a new one.
        initial_state
            The state before a new sequence; by default that of the fit.
        goal
            An output to reach by the choice of one input, with the other inputs of the first plan.

        Raises
        ------
        LinearRNNError
            If an input of a plan is missing, or its dates do not continue the sequence.
        """
        continued = None if sequence is None else self._continue(sequence)
        rows = {}
        dates = {}
        for name, inputs in plans.items():
            try:
                rows[name], dates[name] = read_steps(inputs, [each.name for each in self.inputs])
            except LinearRNNError as error:
                raise LinearRNNError(f"plan {name!r}: {error}") from None
        named = [{"name": name, "inputs": steps} for name, steps in rows.items()]
        request = self._request_of({"plans": named, "goal": goal}, continued, initial_state)
        found = Plans(*self._ask(request, dates.values()))
        found._connection, found._request = self._connection, request
        return found

    def _continue(self, sequence: int | str) -> dict[str, int]:
        names = self.sequence_names or []
        if isinstance(sequence, str):
            if sequence not in names:
                raise ValueError(f"there is no sequence {sequence!r}; the sequences are {names}")
            sequence = names.index(sequence)
        return {"sequence": sequence}

    def _predict(self, inputs: Any, continued: Any, initial_state: float | None = None) -> Forecast:
        rows, dates = read_steps(inputs, [each.name for each in self.inputs])
        request = self._request_of({"inputs": [rows]}, continued, initial_state)
        return Forecast(*self._ask(request, [dates]))

    def _request_of(
        self, body: dict[str, Any], continued: Any, initial_state: float | None
    ) -> dict[str, Any]:
        model = {"kind": "fit", "id": id_of(self), "initial_state": initial_state}
        return {"model": model, "continue": continued, **body}

    def _ask(self, request: dict[str, Any], dates: Any) -> tuple[m.FitPredictResponse, str | None]:
        response = self._connection.request("POST", "/v1/predict", request)
        answer = self._connection.decode(m.FitPredictResponse, read_json(response))
        for each in dates:
            check_dates(each, answer.times[0] if answer.times else [])
        return answer, request_id_of(response)

    def __repr__(self) -> str:
        if not hasattr(self, "verdict"):
            return f"<Fit {self.id}: {self.status}>"
        return f"<Fit {self.id}\n  {self.verdict.headline}\n  {self.verdict.sentences[0]}>"


class Diagnostics:
    """The residuals of a fit."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def plot(self) -> "ShownFigure":
        """Draw autocorrelations, quantiles, and residuals against the fit, with Matplotlib.

        Those of `ar1` noise are whitened. The figure is displayed in a notebook.

        >>> rnn.fit().diagnostics.plot().axes[0].get_title()
        'Autocorrelation'

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        table = self._fit.table
        return draw(table["innovation"], table["prediction"], table["sequence"])


class Dataset(Stored, m.DatasetSummary):
    """A stored dataset."""

    PATH = "/v1/datasets"

    @property
    def table(self) -> Rows:
        """Return the columns of the dataset."""
        return Rows(read_csv(self._connection.file(f"{self.PATH}/{self.id}.csv")))

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.name or ''} {self.id}\n  {self.kind}, {self.n_samples} sequences, "
            f"{self.n_targets} targets>"
        )


S = TypeVar("S", bound=Stored)


@dataclass
class _Page:
    """A part of a list."""

    items: list[Any]
    next_cursor: str | None


@suggest_keywords
class Collection(Generic[S]):
    """A collection of stored resources, newest first."""

    def __init__(self, connection: Connection, model: type[S]) -> None:
        self._connection = connection
        self._model = model

    def get(self, identifier: str) -> S:
        """Return a resource by its id.

        >>> rnn.runs.get(rnn.train().id).status
        'succeeded'
        """
        path = f"{self._model.PATH}/{identifier}"
        response = self._connection.request("GET", path)
        return self._connection.receive(self._model, response, {})

    def delete(self, stored: S | str) -> None:
        """Delete an unused resource, by its id or as an object.

        >>> rnn.runs.delete(rnn.train(n_iterations=7))
        """
        self._connection.request("DELETE", f"{self._model.PATH}/{id_of(stored)}")

    def list(self, *, limit: int | None = None) -> builtins.list[S]:
        """Return the newest resources, by default all.

        >>> len(rnn.datasets.list(limit=1)) <= 1
        True
        """
        found: builtins.list[S] = []
        for each in self:
            if len(found) == limit:
                break
            found.append(each)
        return found

    def __len__(self) -> int:
        """Return the number of resources, for which all are listed.

        >>> rnn.datasets.count() > 0
        True
        """
        return len(self.list())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._model.PATH}>"

    def _repr_html_(self) -> str:
        shown = self.list(limit=FIRST_ROWS + 1)
        more = "\n…" if len(shown) > FIRST_ROWS else ""
        return text.to_html("\n".join(map(repr, shown[:FIRST_ROWS])) + more)

    def __iter__(self) -> Iterator[S]:
        query: dict[str, Any] = {"limit": PAGE}
        while True:
            connection = self._connection
            response = connection.request("GET", self._model.PATH, query=query)
            page = connection.decode(_Page, read_json(response))
            for data in page.items:
                yield connection.receive(self._model, response, {}, data)
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
