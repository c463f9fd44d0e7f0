"""What training runs and basin maps have in common: a question becomes numbers to keep."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import orjson
from numpy.typing import NDArray

from service.engine.data import DatasetSize
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.schemas.base import RequestModel, ResponseModel, encode

Q = TypeVar("Q", bound=RequestModel)


class ComputationOutput(NamedTuple):
    """The numbers of an answer: its summary, its arrays by name, and the iterations done."""

    result: ResponseModel
    arrays: dict[str, NDArray[Any]]
    done: int

    def plain_result(self) -> dict[str, Any]:
        """Return the summary as JSON's own types, null where a number is not finite."""
        summary: dict[str, Any] = orjson.loads(encode(self.result))
        return summary


Arrays = Mapping[str, NDArray[Any]]


class StepwiseComputation(ABC):
    """A computation on its way, which can be left after any step and taken up again.

    Where the steps are cut depends on the question alone, never on time: work that was taken up
    again is the same to the last bit. ``done`` counts iterations; ``over`` is True at the end.
    """

    done: int
    over: bool

    @abstractmethod
    def step(self) -> None:
        """Go on for about a tenth of a second."""

    @abstractmethod
    def state(self) -> Arrays:
        """Return all that is needed to go on from here, besides the parts."""

    @abstractmethod
    def part(self) -> Arrays:
        """Return what has come out since this was last asked."""

    @abstractmethod
    def latest(self) -> dict[str, Any]:
        """Return what there is to tell: weights and cost, null where there are none."""

    @abstractmethod
    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Make the answer of all parts, in order, of work that is over."""


@dataclass(frozen=True)
class JobType(Generic[Q]):
    """A kind of computation that can be kept.

    ``check`` raises Invalid for questions that make no sense or are too large; ``seconds``
    estimates the work; ``compute`` does it at once, and ``begin`` step by step, from a state or
    from the start if that is empty; ``total`` counts the iterations asked for.
    """

    kind: Literal["training_run", "basin_map"]
    prefix: Literal["run", "map"]
    path: str
    question: type[Q]
    check: Callable[[Q, DatasetSize, Limits], None]
    seconds: Callable[[Q, DatasetSize], float]
    compute: Callable[[Q, ResolvedDataset], ComputationOutput]
    begin: Callable[[Q, ResolvedDataset, Arrays], StepwiseComputation]
    total: Callable[[Q], int]
