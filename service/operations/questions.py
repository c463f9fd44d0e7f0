"""Questions: requests that are answered at once, and store nothing.

`QUESTIONS` declares all of them. Their routes, their query parameters and the scope of the API key
that they need follow from that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from anyio import to_thread
from pydantic import BaseModel

from service.operations.context import Context
from service.operations.downloads import Download
from service.operations.evaluate import estimate_evaluations, evaluate
from service.operations.limits import Limits
from service.operations.optimum import estimate_optimum, find_optimum
from service.operations.pictures import Picture, surface_picture, trace_picture
from service.operations.predict import (
    estimate_prediction,
    predict,
    predict_csv,
    resolve_source,
)
from service.operations.resolve import check_targets, get_succeeded
from service.operations.surfaces import compute_surfaces, estimate_surfaces, surfaces_npz
from service.operations.traces import (
    check_gradient,
    estimate_check,
    estimate_traces,
    trace_csv,
    trace_gradients,
)
from service.operations.work_estimates import reading_seconds
from service.scheduling import OverBudget
from service.schemas.base import RequestModel, ResponseModel, encode
from service.schemas.cost_surface import (
    CostSurfacePictureRequest,
    CostSurfaceRequest,
    CostSurfaceResponse,
)
from service.schemas.evaluate import EvaluateRequest, EvaluateResponse
from service.schemas.gradient_check import GradientCheckRequest, GradientCheckResponse
from service.schemas.gradient_trace import GradientTraceRequest, GradientTraceResponse
from service.schemas.objective import ObjectiveRequest
from service.schemas.optimum import OptimumRequest, OptimumResponse
from service.schemas.pictures import PictureOptions
from service.schemas.predict import FitPredictResponse, PredictRequest, PredictResponse
from service.schemas.resolved_datasets import ResolvedDataset

R = TypeVar("R", bound=RequestModel)
S = TypeVar("S")


async def resolve_objective(request: ObjectiveRequest, context: Context) -> ResolvedDataset:
    """Return the dataset of a request; raises NotFound and Conflict, also for its runs."""
    dataset = check_targets(await context.resolve(request.dataset))
    for run_id in getattr(request, "runs", ()):
        await to_thread.run_sync(get_succeeded, "run", run_id, context.database)
    return dataset


def estimate_name(request: ObjectiveRequest, dataset: ResolvedDataset, _limits: Limits) -> float:
    """Return the estimated seconds to name a file: a dataset in the request is hashed."""
    return reading_seconds(dataset.size) if request.dataset.n_given else 0.0


@dataclass(frozen=True, kw_only=True)
class Question(Generic[R, S]):
    """A question, and the functions that answer it from a request and its source.

    The source is what the request names, without its arrays: by default a dataset.
    """

    path: str
    tag: str
    name: str  # of the operation
    summary: str
    description: str
    request_model: type[R]
    response_model: Any
    compute: Callable[[R, S, Limits], ResponseModel]
    # Returns the estimated seconds, 0 for a millisecond at most; raises Invalid.
    estimate: Callable[[R, S, Limits], float]
    reducible: str  # the field to reduce where the work is too much, or else the dataset
    resolve: Callable[[R, Context], Awaitable[S]] = resolve_objective  # type: ignore[assignment]
    # Files: tables or archives by suffix, and pictures.
    tables: Mapping[str, Callable[[R, S, Limits], Download]] = field(default_factory=dict)
    draw: Callable[[Any, Any, PictureOptions, str, Limits], Picture] | None = None
    picture_model: type[BaseModel] | None = None  # where it is not the request model
    estimate_name: Callable[[R, S, Limits], float] = estimate_name  # type: ignore[assignment]
    file_summary: str = ""
    file_description: str = ""
    by_query: bool = False  # whether GET takes it as query parameters

    def compute_json(self, request: R, source: S, limits: Limits) -> bytes:
        """Return the answer as JSON, encoded in the thread that computes it.

        Encoding the largest answer takes 20 ms, too long for the event loop.
        """
        return encode(self.compute(request, source, limits))

    async def answer(self, request: R, context: Context) -> bytes:
        """Return the answer as JSON; raises NotFound, Conflict, Invalid, OverBudget and Busy.

        The limits are checked, and what is stored is looked up, before the computation waits for a
        core. Requests that do not need the database succeed while it is unavailable.
        """
        source, limits = await self.resolve(request, context), context.limits
        seconds = self.estimate(request, source, limits)
        limits.check_work(seconds, self._pointer(request))
        try:
            return await context.scheduler.run(seconds, self.compute_json, request, source, limits)
        except OverBudget as over:
            raise OverBudget(over.limit, over.spent, self._pointer(request)) from None

    async def make_file(
        self, request: Any, suffix: str, options: PictureOptions, context: Context
    ) -> Download | Picture:
        """Return a table, an archive or a picture; raises as `answer`.

        Its request is the picture model for a picture, if there is one.
        """
        source, limits = await self.resolve(request, context), context.limits
        seconds = self.estimate_name(request, source, limits)
        limits.check_work(seconds, self._pointer(request))
        run = context.scheduler.run
        if self.draw is not None and suffix not in self.tables:
            return await run(seconds, self.draw, request, source, options, suffix, limits)
        table = await run(seconds, self.tables[suffix], request, source, limits)
        limits.check_work(table.seconds, self._pointer(request))
        return table

    def _pointer(self, request: R) -> str:
        """Return the pointer to what to reduce."""
        return f"/{self.reducible if self.reducible in request.model_fields_set else 'dataset'}"


QUESTIONS: Final[tuple[Question[Any, Any], ...]] = (
    Question(
        path="/v1/predict",
        tag="Prediction",
        name="predict",
        summary="Run the network over sequences",
        description="Return the output of the network for each sequence, and optionally its "
        "states.\n\nA fit returns outputs at every step, with their bands.",
        request_model=PredictRequest,
        response_model=PredictResponse | FitPredictResponse,
        compute=predict,
        estimate=estimate_prediction,
        reducible="inputs",
        resolve=resolve_source,
        tables={"csv": predict_csv},
        estimate_name=estimate_prediction,
        file_summary="Run the network over sequences, as a table",
        file_description="Return a table with one row per sequence: `sequence`, from 0, and its "
        "`output`.\n\nFor a dataset there is a column `target` as well. A fit has one row per step "
        "and the bands of the output. Where an output overflows float64 the field is empty.",
    ),
    Question(
        path="/v1/evaluate",
        tag="Prediction",
        name="evaluate",
        summary="Evaluate the cost at given weights",
        description="Return the cost, its gradient and curvature, and the outputs at every point "
        "of a request.",
        request_model=EvaluateRequest,
        response_model=EvaluateResponse,
        compute=evaluate,
        estimate=estimate_evaluations,
        reducible="points",
    ),
    Question(
        path="/v1/gradient-trace",
        tag="Gradients",
        name="trace_gradients",
        summary="Trace gradients through time",
        description="Return the derivative of the cost with respect to every state, at every "
        "point.",
        request_model=GradientTraceRequest,
        response_model=GradientTraceResponse,
        compute=trace_gradients,
        estimate=estimate_traces,
        reducible="points",
        tables={"csv": trace_csv},
        draw=trace_picture,
        file_summary="Draw gradients through time",
        file_description="Draw the gradients at every point back through time, or list them as "
        "CSV.",
        by_query=True,
    ),
    Question(
        path="/v1/gradient-check",
        tag="Gradients",
        name="check_gradient",
        summary="Check a gradient",
        description="Compare backpropagation through time with central differences of the cost.",
        request_model=GradientCheckRequest,
        response_model=GradientCheckResponse,
        compute=check_gradient,
        estimate=estimate_check,
        reducible="dataset",
    ),
    Question(
        path="/v1/cost-surface",
        tag="Cost surface",
        name="compute_cost_surface",
        summary="Compute cost surfaces",
        description="Return the cost on a grid of weights. Rows are w_rec, columns are w_in. The "
        "arrays of an archive are w_in_0, w_rec_0, cost_0, and so on for each window.",
        request_model=CostSurfaceRequest,
        response_model=CostSurfaceResponse,
        compute=compute_surfaces,
        estimate=estimate_surfaces,
        reducible="windows",
        tables={"npz": surfaces_npz},
        draw=surface_picture,
        picture_model=CostSurfacePictureRequest,
        file_summary="Draw cost surfaces",
        file_description="Draw the cost over the weights, computed at every pixel.\n\nWhere every "
        "pixel would take too long, the picture interpolates between pixels, or uses fewer "
        "sequences, and says so in its legend and metadata.",
        by_query=True,
    ),
    Question(
        path="/v1/optimum",
        tag="Cost surface",
        name="find_optimum",
        summary="Find the exact optimum",
        description="Return the global minimum of the cost for the identity activation, without "
        "iterations.",
        request_model=OptimumRequest,
        response_model=OptimumResponse,
        compute=find_optimum,
        estimate=estimate_optimum,
        reducible="dataset",
    ),
)
