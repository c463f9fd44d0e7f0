# Generated from _async by `make openapi`: do not edit.
"""The client: the questions of the API as methods."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from linear_rnn import _inputs as i
from linear_rnn import _models as m
from linear_rnn import _requests as q
from linear_rnn._arrays import read_npz, to_column
from linear_rnn._errors import InvalidRequest, JobFailed
from linear_rnn._inputs import compose, find_values, is_table, to_csv, to_dataset
from linear_rnn._names import suggest_keywords
from linear_rnn._progress import Progress
from linear_rnn._service import Service, start_service
from linear_rnn._sync import results as r
from linear_rnn._sync.connection import Connection, read_json
from linear_rnn._tables import Rows, describe_fit, grids_of

if TYPE_CHECKING:
    import httpx

C = TypeVar("C", bound=r.Computation)

SERIES = {"kind": "series", "roles": "proposed"}
MAX_JSON_CELLS = 200_000  # of surfaces; larger ones are requested as npz
RESOLUTION = 25  # of windows without one


@suggest_keywords
class Client:
    """A client of the service. Omitted arguments default to the tutorial's values.

    >>> rnn.train().outcome
    'iterations_exhausted'

    Parameters
    ----------
    url
        The address of the service; by default ``LINEAR_RNN_URL``, or http://localhost:8000.
    api_key
        An API key, if the service requires one; by default ``LINEAR_RNN_API_KEY``.
    timeout
        Seconds without any byte from the service after which a request fails.
    max_retries
        The number of retries of a request whose connection fails, or to which the service responds
        that it is busy. Waiting for a job continues for five minutes while the service restarts.
    http_client
        The client of httpx that sends the requests, for example with a proxy, with certificates or
        with a transport. It is not closed with this client.

    Attributes
    ----------
    runs : Collection[Run]
        The stored training runs.
    maps : Collection[BasinMap]
        The stored basin maps.
    fits : Collection[Fit]
        The stored fits.
    datasets : Collection[Dataset]
        The stored datasets.

    Raises
    ------
    ConnectFailed
        From every method, if the service does not respond.
    StatusError
        From every method, if it responds with an error.
    LinearRNNError
        From every method, if the response is that of another program, such as a login page, or of
        another version of the service, or if the client is closed.
    TypeError
        From every method, for an unknown keyword; nothing is sent.

    Notes
    -----
    The logger ``linear_rnn`` records requests at the level DEBUG and retries at INFO.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 2,
        http_client: "httpx.Client | None" = None,
    ) -> None:
        self._open(Connection(url, api_key, timeout, max_retries, http_client), None)

    def _open(self, connection: Connection, service: Service | None) -> None:
        self._connection = connection
        self._service = service
        self.runs = r.Collection(connection, r.Run)
        self.maps = r.Collection(connection, r.BasinMap)
        self.fits = r.Collection(connection, r.Fit)
        self.datasets = r.Collection(connection, r.Dataset)

    @classmethod
    def local(cls, *, command: Sequence[str] | None = None) -> Self:
        """Start a local service, which ends with the client or this process.

        Its data are in a temporary folder. It has a new API key, so that no other user of the
        machine can use it. It requires the command ``linear-rnn`` of the package ``linear-rnn``,
        next to this Python or on the path.

        >>> with Client.local() as own:
        ...     own.predict().outputs.tolist()
        [5.0]

        Parameters
        ----------
        command
            The command instead of ``["linear-rnn"]``.
        """
        service = start_service(command)
        client = cls(service.url, api_key=service.key)
        client._service = service
        client._connection.restart_seconds = 0.0
        client._connection.local_key = service.key
        return client

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client with other options, which shares the connections with this one.

        Closing either of them closes both.

        >>> mine = rnn.with_options(timeout=5, headers={"X-Request-ID": "mine"})
        >>> mine.optimum().request_id
        'mine'

        Parameters
        ----------
        timeout, max_retries
            As for the client.
        headers
            Additional headers of every request.
        """
        client = type(self).__new__(type(self))
        client._open(self._connection.with_options(timeout, max_retries, headers), self._service)
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and stop a local service.

        >>> Client().close()
        """
        self._connection.close()
        if self._service is not None:
            self._service.stop()

    def __deepcopy__(self, _: object) -> Self:
        """Return itself, because scikit-learn copies parameters without closing them."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        key = self._connection.local_key
        return partial(type(self), self._connection.url, api_key=key), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.url}>"

    def predict(
        self, inputs: i.Rows | None = None, **options: Unpack[q.PredictRequest]
    ) -> r.Prediction:
        """Run the network over sequences. A fit predicts with its own methods.

        >>> rnn.predict([[0, 1, 1, 0, 1]]).outputs.tolist()
        [3.0]

        Parameters
        ----------
        inputs
            The sequences, which may differ in length.
        """
        request = compose(inputs=inputs, **options)
        if request.get("model", {}).get("kind") == "fit":
            raise TypeError("a fit predicts with its methods `predict` and `forecast`")
        return self._ask(r.Prediction, "/v1/predict", request)

    def evaluate(self, **options: Unpack[q.EvaluateRequest]) -> r.Evaluations:
        """Return the cost, its gradient and the outputs at given weights.

        >>> rnn.evaluate(points=[(1, 1)]).evaluations[0].cost
        0.0
        """
        return self._ask(r.Evaluations, "/v1/evaluate", compose(**options))

    def optimum(self, **options: Unpack[q.OptimumRequest]) -> r.Optimum:
        """Find the exact global minimum of the cost; identity activation only.

        >>> rnn.optimum().weights
        Weights(w_in=1.0, w_rec=1.0)
        """
        return self._ask(r.Optimum, "/v1/optimum", compose(**options))

    def trace(self, **options: Unpack[q.GradientTraceRequest]) -> r.Trace:
        """Trace the gradient back through time.

        >>> rnn.trace(points=[(1, 2)]).traces[0].regime
        'exploding'
        """
        return self._ask(r.Trace, "/v1/gradient-trace", compose(**options))

    def check_gradient(self, **options: Unpack[q.GradientCheckRequest]) -> r.GradientCheck:
        """Compare the gradient of backpropagation with finite differences of the cost.

        >>> rnn.check_gradient(weights=(0.5, 1.1)).relative_error < 1e-6
        True
        """
        return self._ask(r.GradientCheck, "/v1/gradient-check", compose(**options))

    def surface(self, **options: Unpack[q.CostSurfaceRequest]) -> r.Surface:
        """Compute the cost on windows of weights.

        >>> rnn.surface(windows=[{"w_in": (0, 2), "resolution": 50}]).cost.shape
        (50, 50)
        """
        request = compose(**options)
        sizes = [window.get("resolution") or RESOLUTION for window in request.get("windows", [])]
        cells = sum(size**2 for size in sizes)
        if cells <= MAX_JSON_CELLS:
            return self._ask(r.Surface, "/v1/cost-surface", request)
        for window, size in zip(request["windows"], sizes, strict=True):
            window["resolution"] = size
        arrays = read_npz(self._connection.file("/v1/cost-surface.npz", {}, request))
        surface = r.Surface(windows=grids_of(arrays))
        surface._connection, surface._request = self._connection, request
        return surface

    def optimizers(self) -> list[m.OptimizerDescription]:
        """Describe the optimizers and their parameters.

        >>> rnn.optimizers()[0].title
        'Rprop'
        """
        response = self._connection.request("GET", "/v1/optimizers")
        return self._connection.decode(m.OptimizerList, read_json(response)).items

    def train(
        self, *, wait: bool = True, progress: bool = False, **options: Unpack[q.TrainingRunRequest]
    ) -> r.Run:
        """Train the network. A repeated request returns the same run without computing it again.

        >>> run = rnn.train(optimizer=Adam(learning_rate=0.1), initial_weights=(-1.5, 2))
        >>> run.outcome
        'iterations_exhausted'

        Parameters
        ----------
        wait
            True to wait until it has finished; otherwise it is a job with ``wait()`` and
            ``cancel()``.
        progress
            True to show the progress on stderr.
        **options
            See ``TrainingRunRequest``. A dataset is one that is stored or its id, a tuple of inputs
            and targets, or JSON of the API.

        Raises
        ------
        JobFailed, JobCancelled
            If the run did not succeed.
        """
        return self._compute(r.Run, compose(**options), wait, progress)

    def map_basins(
        self, *, wait: bool = True, progress: bool = False, **options: Unpack[q.BasinMapRequest]
    ) -> r.BasinMap:
        """Train from every point of a grid; ``wait`` and ``progress`` as in ``train``.

        >>> found = rnn.map_basins(window={"resolution": 4}, n_iterations=20)
        >>> found.outcomes.shape
        (4, 4)
        """
        return self._compute(r.BasinMap, compose(**options), wait, progress)

    def fit(
        self,
        dataset: i.DatasetLike | i.TableLike | m.SeriesDataset | m.StoredSequences | None = None,
        *,
        target: str | int | None = None,
        inputs: Sequence[str | int] | None = None,
        sequence: str | int | None = None,
        time: str | int | None = None,
        wait: bool = True,
        progress: bool = False,
        **options: Unpack[q.FitOptions],
    ) -> r.Fit:
        """Fit a recurrence to data; ``wait`` and ``progress`` as in ``train``.

        >>> level = [50 * 0.8**k for k in range(60)]
        >>> fit = rnn.fit({"level": level}, target="level", inputs=[], offset=False)
        >>> round(fit.w_rec.value, 6)
        0.8

        Parameters
        ----------
        dataset
            A path, a file, a table, columns by name or an array, as in ``upload_series``, or a
            dataset as in ``train``.
        target, inputs, sequence, time
            The names of columns, as in ``upload_series``.
        **options
            The model, and how the table is read; see ``FitOptions``.
        """
        request: dict[str, Any] = {**options}
        table = _take(request, q.TableOptions.__annotations__)
        if is_table(dataset):
            columns: Any = {"inputs": inputs, "sequence": sequence, "time": time, **table}
            stored = self.upload_series(dataset, target=target, **columns)
            if target is None and stored.roles:
                print(f"{stored.roles}; target=… to change", file=sys.stderr)
            dataset = stored
        return self._compute(r.Fit, compose(dataset=dataset, **request), wait, progress)

    def fit_groups(
        self,
        table: i.TableLike,
        *,
        by: str | int,
        target: str | int | None = None,
        inputs: Sequence[str | int] | None = None,
        time: str | int | None = None,
        progress: bool = False,
        **options: Unpack[q.FitOptions],
    ) -> Rows:
        """Fit the rows of each value of a column separately, and return a table of the fits.

        Its columns are group (the value), level (that of the summary, or ``failed``),
        time_constant, w_rec, a gain per input, low and high (the interval of the summary), unit,
        r_squared, n_targets, summary (the headline, or the reason why a group cannot be fitted) and
        id.

        >>> sales = [0.8**k for k in range(60)] + [0.5**k for k in range(60)]
        >>> table = {"shop": ["a"] * 60 + ["b"] * 60, "sales": sales}
        >>> fits = rnn.fit_groups(table, by="shop", target="sales", offset=False)
        >>> fits.time_constant.round(2).tolist()
        [4.48, 1.44]

        Parameters
        ----------
        table
            As in ``upload_series``.
        by
            The column with the names of the groups; their rows are contiguous sequences.
        target, inputs, time
            The names of columns, as in ``upload_series``.
        progress
            True to show the progress on stderr.
        **options
            As in ``fit``.

        Raises
        ------
        InvalidRequest
            If no group can be fitted.
        """
        request: dict[str, Any] = {**options}
        read = _take(request, q.TableOptions.__annotations__)
        roles: Any = {"target": target, "inputs": inputs, "time": time}
        content, defaults = to_csv(table)
        options_of_table = {**SERIES, **defaults, **roles, "sequence": by, **read}
        stored = self._upload(content, options_of_table)
        names = stored.sequence_names or [*map(str, range(stored.n_samples))]
        bar = Progress("groups") if progress else None
        rows: list[dict[str, Any]] = []
        failures: list[InvalidRequest | JobFailed] = []
        for name in names:
            dataset: m.StoredSequences = {"kind": "stored", "id": stored.id, "sequence": name}
            try:
                row = describe_fit(self.fit(dataset, **request))
            except (InvalidRequest, JobFailed) as error:
                failures.append(error)
                row = {"level": "failed", "summary": getattr(error, "detail", str(error))}
            rows.append(row)
            if bar is not None:
                bar.show(len(rows), len(names), None)
        if bar is not None:
            bar.close()
        if len(failures) == len(rows):
            raise failures[0]
        columns = {key: [row.get(key) for row in rows] for key in max(rows, key=len)}
        found = {name: to_column(column) for name, column in columns.items()}
        return Rows({"group": find_values(table, by, content, names), **found})

    def upload(self, dataset: i.DatasetLike | i.TableLike, *, name: str | None = None) -> r.Dataset:
        """Store a dataset with one target per sequence.

        >>> rnn.upload(([[0, 1, 1], [1, 1, 1]], [2, 3]), name="two").n_samples
        2

        Parameters
        ----------
        dataset
            Inputs with targets, JSON of the API, or a table with a row per sequence whose target is
            the column ``target``, or the last; a path with the suffix .npz has arrays ``inputs``
            and ``targets``.
        """
        if is_table(dataset):
            content, _ = to_csv(dataset)
            return self._upload(content, {"name": name})
        request = to_dataset(dataset)
        query = compose(name=name)
        response = self._connection.request("POST", r.Dataset.PATH, request, query=query)
        return self._connection.receive(r.Dataset, response, request)

    def upload_series(
        self,
        table: i.TableLike,
        *,
        target: str | int | None = None,
        inputs: Sequence[str | int] | None = None,
        sequence: str | int | None = None,
        time: str | int | None = None,
        name: str | None = None,
        **options: Unpack[q.TableOptions],
    ) -> r.Dataset:
        """Store time series with a target per step, for fits.

        >>> table = {"heat": [0, 1, 1], "level": [1, 2, 4]}
        >>> rnn.upload_series(table, target="level").inputs
        ['heat']

        Parameters
        ----------
        table
            A path, a file, a table or a series of pandas or polars, columns by name, or an array
            of numpy. The columns of an array have the names of its fields, or column_1, column_2, …
        target
            The column to fit; an empty cell, nan or NA is a gap. By default a column is proposed.
        inputs
            The columns of inputs; by default the other columns of numbers that do not count rows.
        sequence
            The column with the name of the sequence of each row, if there are several; by default
            it is proposed, and an empty name is none.
        time
            The column of times, in ascending order; by default the index of a table of pandas, if
            that has dates, or it is proposed.
        **options
            How the table is read and repaired, such as ``fill="hold"`` for missing inputs; see
            ``TableOptions``. An error of a table names the options that would repair it.
        """
        content, defaults = to_csv(table)
        roles: Any = {"target": target, "inputs": inputs, "sequence": sequence, "time": time}
        return self._upload(content, {**SERIES, **defaults, **roles, "name": name, **options})

    def read_table(
        self,
        table: i.TableLike,
        *,
        target: str | int | None = None,
        inputs: Sequence[str | int] | None = None,
        sequence: str | int | None = None,
        time: str | int | None = None,
        **options: Unpack[q.TableOptions],
    ) -> m.TableSummary:
        """Read a table without storing it: its columns, their roles, and problems with repairs.

        >>> table = {"heat": [0, 1, 1], "level": [1, 2, 4]}
        >>> rnn.read_table(table).columns[1].role
        'target'

        Parameters
        ----------
        table, target, inputs, sequence, time, **options
            As in ``upload_series``.
        """
        content, defaults = to_csv(table)
        roles: Any = {"target": target, "inputs": inputs, "sequence": sequence, "time": time}
        response = self._send_table("/v1/tables", content, {**defaults, **roles, **options})
        return self._connection.decode(m.TableSummary, read_json(response))

    def _upload(self, content: bytes, options: Mapping[str, Any]) -> r.Dataset:
        response = self._send_table(r.Dataset.PATH, content, options)
        return self._connection.receive(r.Dataset, response, {})

    def _send_table(
        self, path: str, content: bytes, options: Mapping[str, Any]
    ) -> "httpx.Response":
        """Send a table, whose format the service detects."""
        query = compose(**options)
        if not isinstance(query.get("inputs", ""), str):
            query["inputs"] = ",".join(map(str, query["inputs"]))
        headers = {"Content-Type": "application/octet-stream"}
        return self._connection.request("POST", path, content, headers, query)

    def _compute(self, model: type[C], request: dict[str, Any], wait: bool, progress: bool) -> C:
        prefer = f"wait={self._connection.wait_seconds}" if wait else "respond-async"
        headers = {"Prefer": prefer} if request.get("keep", True) and not progress else None
        response = self._connection.request("POST", model.PATH, request, headers, waits=wait)
        result = self._connection.receive(model, response, request)
        return result.wait(progress=progress) if wait else result

    def _ask(self, model: type[r.T], path: str, request: dict[str, Any]) -> r.T:
        response = self._connection.request("POST", path, request)
        return self._connection.receive(model, response, request)


def _take(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Remove options with these names, and return them."""
    return {name: options.pop(name) for name in options.keys() & {*names}}
