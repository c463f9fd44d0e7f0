"""A client of the service, with a method for each resource.

    with Client("http://localhost:8000") as client:
        run = client.train(n_iterations=100)
        print(client.predict(inputs=[[0, 1, 1]], model={"kind": "run", "id": run.id}).outputs)

Fields not named keep the service's defaults, which are the tutorial note's. Answers are the
service's own schemas, with numpy arrays that hold nan where the JSON has null.
"""

from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from service.errors import ServiceError
from service.schemas.base import ResponseModel, encode
from service.schemas.basin_maps import BasinMap, BasinMapPage
from service.schemas.cost_surface import CostSurfaceResponse, OptimumResponse
from service.schemas.datasets import DatasetPage, DatasetSummary
from service.schemas.gradient_trace import GradientCheckResponse, GradientTraceResponse
from service.schemas.optimizers import OptimizerList
from service.schemas.predict import PredictResponse
from service.schemas.problems import Problem
from service.schemas.training_runs import TrainingRun, TrainingRunPage, TrajectoryResponse

A = TypeVar("A", bound=ResponseModel)


class ProblemError(ServiceError):
    """The service answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Client:
    """Calls of the API by name; any httpx transport will do.

    Raises
    ------
    ProblemError
        From every method, where the service answers with an error.
    httpx.HTTPError
        Where it does not answer at all.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=timeout, transport=transport)

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

    def predict(self, **question: Any) -> PredictResponse:
        """Run the network over sequences."""
        return self._ask(PredictResponse, "/v1/predict", question)

    def gradient_trace(self, **question: Any) -> GradientTraceResponse:
        """Follow gradients back through time."""
        return self._ask(GradientTraceResponse, "/v1/gradient-trace", question)

    def gradient_check(self, **question: Any) -> GradientCheckResponse:
        """Hold backpropagation against differences of the cost."""
        return self._ask(GradientCheckResponse, "/v1/gradient-check", question)

    def cost_surface(self, **question: Any) -> CostSurfaceResponse:
        """Compute the cost on grids of weights."""
        return self._ask(CostSurfaceResponse, "/v1/cost-surface", question)

    def optimum(self, **question: Any) -> OptimumResponse:
        """Find the exact global minimum for the identity activation."""
        return self._ask(OptimumResponse, "/v1/optimum", question)

    def optimizers(self) -> OptimizerList:
        """List the optimizers."""
        return self._get(OptimizerList, "/v1/optimizers")

    def picture(self, resource: str, suffix: str = "png", **look: Any) -> bytes:
        """Draw the note's picture of a resource, ``cost-surface`` or ``gradient-trace``.

        ``look`` takes the query parameters of the GET spelling, those of the question included.
        """
        return self._content(f"/v1/{resource}.{suffix}", look)

    def train(self, **question: Any) -> TrainingRun:
        """Train the network; the same question again is the same run."""
        return self._ask(TrainingRun, "/v1/training-runs", question)

    def training_run(self, run_id: str) -> TrainingRun:
        """Describe a kept run."""
        return self._get(TrainingRun, f"/v1/training-runs/{run_id}")

    def training_runs(self, **page: Any) -> TrainingRunPage:
        """List kept runs, newest first."""
        return self._get(TrainingRunPage, "/v1/training-runs", page)

    def trajectory(self, run_id: str) -> TrajectoryResponse:
        """Read what a run recorded."""
        return self._get(TrajectoryResponse, f"/v1/training-runs/{run_id}/trajectory")

    def trajectory_file(self, run_id: str, suffix: str = "png", **look: Any) -> bytes:
        """Draw a run's trajectory, or list it as csv."""
        return self._content(f"/v1/training-runs/{run_id}/trajectory.{suffix}", look)

    def delete_training_run(self, run_id: str) -> None:
        """Delete a finished run."""
        self._checked(self._http.delete(f"/v1/training-runs/{run_id}"))

    def map_basins(self, **question: Any) -> BasinMap:
        """Train from every start of a grid; the same question again is the same map."""
        return self._ask(BasinMap, "/v1/basin-maps", question)

    def basin_map(self, map_id: str) -> BasinMap:
        """Describe a kept map."""
        return self._get(BasinMap, f"/v1/basin-maps/{map_id}")

    def basin_maps(self, **page: Any) -> BasinMapPage:
        """List kept maps, newest first."""
        return self._get(BasinMapPage, "/v1/basin-maps", page)

    def basin_map_file(self, map_id: str, suffix: str = "png", **look: Any) -> bytes:
        """Draw a map, or download its arrays as npz."""
        return self._content(f"/v1/basin-maps/{map_id}.{suffix}", look)

    def delete_basin_map(self, map_id: str) -> None:
        """Delete a finished map."""
        self._checked(self._http.delete(f"/v1/basin-maps/{map_id}"))

    def store_dataset(self, **dataset: Any) -> DatasetSummary:
        """Store samples; ``kind`` tells which, count_ones by default."""
        return self._ask(DatasetSummary, "/v1/datasets", dataset)

    def upload_dataset(self, file: bytes | str, media_type: str = "text/csv") -> DatasetSummary:
        """Store a csv table, or an npz archive as application/x-npz."""
        response = self._http.post(
            "/v1/datasets", content=file, headers={"Content-Type": media_type}
        )
        return DatasetSummary.model_validate_json(self._checked(response).content)

    def dataset(self, dataset_id: str) -> DatasetSummary:
        """Describe a stored dataset."""
        return self._get(DatasetSummary, f"/v1/datasets/{dataset_id}")

    def datasets(self, **page: Any) -> DatasetPage:
        """List stored datasets, newest first."""
        return self._get(DatasetPage, "/v1/datasets", page)

    def dataset_file(self, dataset_id: str, suffix: str = "csv") -> bytes:
        """Download a dataset as csv or npz."""
        return self._content(f"/v1/datasets/{dataset_id}.{suffix}", {})

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset that nothing needs."""
        self._checked(self._http.delete(f"/v1/datasets/{dataset_id}"))

    def _ask(self, answer: type[A], path: str, question: dict[str, Any]) -> A:
        headers = {"Content-Type": "application/json"}
        response = self._http.post(path, content=encode(question), headers=headers)
        return answer.model_validate_json(self._checked(response).content)

    def _get(self, answer: type[A], path: str, parameters: dict[str, Any] | None = None) -> A:
        response = self._http.get(path, params=parameters)
        return answer.model_validate_json(self._checked(response).content)

    def _content(self, path: str, parameters: dict[str, Any]) -> bytes:
        return self._checked(self._http.get(path, params=parameters)).content

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            if response.headers.get("content-type", "").startswith("application/problem+json"):
                raise ProblemError(Problem.model_validate_json(response.content))
            response.raise_for_status()
        return response
