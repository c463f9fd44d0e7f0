"""A client of the service.

    with Client("http://localhost:8000") as client:
        run = client.train(n_iterations=100)
        print(client.predict(inputs=[[0, 1, 1]], model={"kind": "run", "id": run.id}).outputs)

Omitted fields have the defaults of the service, which are the values in the tutorial. Responses are
the models of the service, with numpy arrays that have nan where the JSON has null.
"""

from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from service.errors import ServiceError
from service.schemas.base import ResponseModel, encode
from service.schemas.basin_maps import BasinMap, BasinMapPage
from service.schemas.cost_surface import CostSurfaceResponse
from service.schemas.datasets import DatasetPage, DatasetSummary
from service.schemas.evaluate import EvaluateResponse
from service.schemas.fit_results import FitPage, FitResource
from service.schemas.gradient_check import GradientCheckResponse
from service.schemas.gradient_trace import GradientTraceResponse
from service.schemas.optimizers import OptimizerList
from service.schemas.optimum import OptimumResponse
from service.schemas.predict import FitPredictResponse, PredictResponse
from service.schemas.problems import Problem
from service.schemas.training_runs import TrainingRun, TrainingRunPage, TrajectoryResponse

M = TypeVar("M", bound=ResponseModel)

# By the prefix of ids: the path, and the models of one resource and of a page of them.
RESOURCES: Final[dict[str, tuple[str, type[ResponseModel], type[ResponseModel]]]] = {
    "run": ("/v1/training-runs", TrainingRun, TrainingRunPage),
    "map": ("/v1/basin-maps", BasinMap, BasinMapPage),
    "fit": ("/v1/fits", FitResource, FitPage),
    "ds": ("/v1/datasets", DatasetSummary, DatasetPage),
}


class ProblemError(ServiceError):
    """The service responded with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Client:
    """A client for the service at a base URL, with any httpx transport.

    Parameters
    ----------
    key
        The API key, if the service needs one.

    Raises
    ------
    ProblemError
        From every method, if the service responds with an error.
    httpx.HTTPError
        From every method, if the service does not respond.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        self._http = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, **request: Any) -> PredictResponse:
        """Run the network over sequences; see `predict_fit` for a fit."""
        if (request.get("model") or {}).get("kind") == "fit":
            raise TypeError("use predict_fit for a fit")
        return self._post(PredictResponse, "/v1/predict", request)

    def predict_fit(self, fit_id: str, **request: Any) -> FitPredictResponse:
        """Predict sequences with a fit, or continue one of its own."""
        request["model"] = {"kind": "fit", "id": fit_id, **request.get("model", {})}
        return self._post(FitPredictResponse, "/v1/predict", request)

    def evaluate(self, **request: Any) -> EvaluateResponse:
        """Return the cost, its gradient and the outputs at given weights."""
        return self._post(EvaluateResponse, "/v1/evaluate", request)

    def gradient_trace(self, **request: Any) -> GradientTraceResponse:
        """Trace gradients back through time."""
        return self._post(GradientTraceResponse, "/v1/gradient-trace", request)

    def gradient_check(self, **request: Any) -> GradientCheckResponse:
        """Compare backpropagation with differences of the cost."""
        return self._post(GradientCheckResponse, "/v1/gradient-check", request)

    def cost_surface(self, **request: Any) -> CostSurfaceResponse:
        """Compute the cost on grids of weights."""
        return self._post(CostSurfaceResponse, "/v1/cost-surface", request)

    def optimum(self, **request: Any) -> OptimumResponse:
        """Find the exact global minimum for the identity activation."""
        return self._post(OptimumResponse, "/v1/optimum", request)

    def optimizers(self) -> OptimizerList:
        """List the optimizers."""
        return self._get(OptimizerList, "/v1/optimizers")

    def train(self, **request: Any) -> TrainingRun:
        """Train the network; a repeated request returns the same run."""
        return self._post(TrainingRun, "/v1/training-runs", request)

    def trajectory(self, run_id: str) -> TrajectoryResponse:
        """Return the trajectory of a run."""
        return self._get(TrajectoryResponse, f"/v1/training-runs/{run_id}/trajectory")

    def map_basins(self, **request: Any) -> BasinMap:
        """Train from every point of a grid; a repeated request returns the same map."""
        return self._post(BasinMap, "/v1/basin-maps", request)

    def fit(self, **request: Any) -> FitResource:
        """Fit a recurrence to a dataset; a repeated request returns the same fit."""
        return self._post(FitResource, "/v1/fits", request)

    def store_dataset(self, name: str | None = None, **dataset: Any) -> DatasetSummary:
        """Store a dataset, optionally with a name; its ``kind`` is count_ones by default."""
        return self.upload_dataset(encode(dataset), "application/json", name)

    def upload_dataset(
        self,
        file: bytes | str,
        media_type: str = "text/csv",
        name: str | None = None,
        **columns: str,
    ) -> DatasetSummary:
        """Store a CSV table, or an npz archive with the media type application/x-npz.

        With columns, such as ``target="sales", inputs="tv,search"``, it is a series.
        """
        headers = {"Content-Type": media_type}
        query = columns | ({"kind": "series"} if columns else {})
        query |= {} if name is None else {"name": name}
        response = self._http.post("/v1/datasets", content=file, headers=headers, params=query)
        return DatasetSummary.model_validate_json(self._check(response).content)

    def get(self, identifier: str) -> Any:
        """Describe a stored training run, basin map, fit or dataset."""
        path, model, _ = RESOURCES[identifier.partition("_")[0]]
        return self._get(model, f"{path}/{identifier}")

    def list(self, prefix: str, **page: Any) -> Any:
        """List stored resources by the prefix of their ids (run, map, fit or ds), newest first."""
        path, _, model = RESOURCES[prefix]
        return self._get(model, path, page)

    def delete(self, identifier: str) -> None:
        """Delete a finished computation, or a dataset that no computation needs."""
        path, *_ = RESOURCES[identifier.partition("_")[0]]
        self._check(self._http.delete(f"{path}/{identifier}"))

    def download(self, path: str, **query: Any) -> bytes:
        """Return a picture, a table or an archive.

        Parameters
        ----------
        path
            One of the links of a resource, or for example ``/v1/cost-surface.png``.
        query
            The query parameters, such as the options of a picture.
        """
        return self._check(self._http.get(path, params=query)).content

    def _post(self, model: type[M], path: str, request: dict[str, Any]) -> M:
        headers = {"Content-Type": "application/json"}
        response = self._http.post(path, content=encode(request), headers=headers)
        return model.model_validate_json(self._check(response).content)

    def _get(self, model: type[M], path: str, parameters: dict[str, Any] | None = None) -> M:
        response = self._http.get(path, params=parameters)
        return model.model_validate_json(self._check(response).content)

    def _check(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            if response.headers.get("content-type", "").startswith("application/problem+json"):
                raise ProblemError(Problem.model_validate_json(response.content))
            response.raise_for_status()
        return response
