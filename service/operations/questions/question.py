"""Questions: requests that are answered synchronously, and store nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar, get_type_hints

from anyio import to_thread
from pydantic import BaseModel

from service import store
from service.operations.shared.context import Context
from service.operations.shared.downloads import Common, Download, Picture, name_picture
from service.operations.shared.ids import canonical_request
from service.operations.shared.limits import Limits, check_seconds
from service.operations.shared.resolve import check_targets, get_succeeded
from service.operations.shared.work_estimates import reading_seconds
from service.rendering.requests import PictureRequest
from service.schemas.base import RequestModel, ResponseModel, encode
from service.schemas.datasets import ObjectiveRequest
from service.schemas.pictures import PictureOptions
from service.schemas.resolved_datasets import ResolvedDataset
from service.values.budget import OverBudget

R = TypeVar("R", bound=RequestModel)
S = TypeVar("S")
INLINE: Final = 1000  # the most numbers of an explicit dataset in the name of a picture


async def resolve_objective(request: ObjectiveRequest, context: Context) -> ResolvedDataset:
    """Return the dataset of a request; raises NotFound and Conflict, also for its runs."""
    dataset = check_targets(await context.resolve(request.dataset))
    for run_id in getattr(request, "runs", ()):
        await to_thread.run_sync(get_succeeded, "run", run_id, context.database)
    return dataset


def estimate_name(request: ObjectiveRequest, dataset: ResolvedDataset, _limits: Limits) -> float:
    """Return the estimated seconds to hash a dataset in the request, for the name of a file."""
    return reading_seconds(dataset.size) if request.dataset.n_given else 0.0


def name_request(request: ObjectiveRequest) -> dict[str, Any]:
    """Return the request of a picture, including a small explicit dataset.

    A large dataset is replaced by its id, and must be stored to draw the picture again.
    """
    body = canonical_request(request)
    if 0 < request.dataset.n_given <= INLINE:
        body["dataset"] = request.dataset.model_dump(mode="json")
    return body


@dataclass(frozen=True, kw_only=True)
class Question(Generic[R, S]):
    """A question, and the functions that compute the response from a request and its source.

    The source is the dataset of the request, or another resource, without its arrays. The
    docstrings of the functions that return or draw the response are the documentation of the API.
    """

    path: str
    tag: str
    # Raises Invalid. The operation has its name, and the models of its annotations.
    compute: Callable[[R, S, Limits], ResponseModel]
    # Returns the estimated seconds, 0 for at most a millisecond; raises Invalid.
    estimate: Callable[[R, S, Limits], float]
    reducible: str = "dataset"  # the field to reduce if the work is too much
    resolve: Callable[[R, Context], Awaitable[S]] = resolve_objective  # type: ignore[assignment]
    # Files: tables or archives by suffix, and pictures.
    tables: Mapping[str, Callable[[R, S, Limits], Download]] = field(default_factory=dict)
    # Loads the content of a picture, in addition to the common part of all pictures.
    draw: Callable[[Any, Any, Limits, Common, "store.Database"], PictureRequest] | None = None
    picture_size: tuple[int, int] = (0, 0)  # if the options have none
    picture_model: type[BaseModel] | None = None  # if it is not the request model
    # Returns the request of a picture.
    name_request: Callable[[R], dict[str, Any]] = name_request  # type: ignore[assignment]
    estimate_name: Callable[[R, S, Limits], float] = estimate_name  # type: ignore[assignment]
    by_query: bool = False  # True if GET accepts it as query parameters

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.compute.__name__

    @property
    def request_model(self) -> type[R]:
        """The model of the request."""
        model: type[R] = get_type_hints(self.compute)["request"]
        return model

    @property
    def response_model(self) -> Any:
        """The model of the response, or a union of models."""
        return get_type_hints(self.compute)["return"]

    def compute_json(self, request: R, source: S, limits: Limits) -> bytes:
        """Return the response as JSON, encoded in the thread that computes it.

        Encoding the largest response takes 20 ms, too long for the event loop.
        """
        return encode(self.compute(request, source, limits))

    async def answer(self, request: R, context: Context) -> bytes:
        """Return the response as JSON; raises NotFound, Conflict, Invalid, OverBudget and Busy.

        The limits are checked, and stored data are looked up, before the computation waits for a
        core. Requests that do not need the database succeed while it is unavailable.
        """
        source, limits = await self.resolve(request, context), context.limits
        seconds = self.estimate(request, source, limits)
        self._check(seconds, request, limits)
        try:
            return await context.scheduler.run(seconds, self.compute_json, request, source, limits)
        except OverBudget as over:
            raise OverBudget(over.limit, over.spent, self._pointer(request)) from None

    async def make_file(
        self, request: Any, suffix: str, options: PictureOptions, context: Context
    ) -> Download | Picture:
        """Return a table, an archive or a picture; raises errors of `answer`.

        For a picture, its request is the picture model, if any.
        """
        source, limits = await self.resolve(request, context), context.limits
        seconds = self.estimate_name(request, source, limits)
        self._check(seconds, request, limits)
        run = context.scheduler.run
        if self.draw is not None and suffix not in self.tables:
            path = f"{self.path}.{suffix}"
            name = self._name_picture
            common, etag = await run(seconds, name, path, request, options, limits)
            return Picture(etag, suffix, partial(self.draw, request, source, limits, common))
        table = await run(seconds, self.tables[suffix], request, source, limits)
        self._check(table.seconds, request, limits)
        return table

    def _name_picture(
        self, path: str, request: R, options: PictureOptions, limits: Limits
    ) -> tuple[dict[str, Any], str]:
        """Return the common part of a picture, with its request, and its ETag."""
        made = {"method": "POST", "path": path, "body": self.name_request(request)}
        return name_picture(made, options, self.picture_size, limits)

    def _check(self, seconds: float, request: R, limits: Limits) -> None:
        """Raise LimitExceeded if the estimate is far above the limit."""
        limit = limits.max_work_seconds
        check_seconds(seconds, limit, "for one request", self._pointer(request))

    def _pointer(self, request: R) -> str:
        """Return the pointer of the field to reduce."""
        return f"/{self.reducible if self.reducible in request.model_fields_set else 'dataset'}"
