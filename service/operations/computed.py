"""What training runs and basin maps have in common: a question becomes numbers to keep."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import orjson
from numpy.typing import NDArray

from service.operations.limits import Limits
from service.operations.samples import Samples
from service.schemas.base import Answer, Question, encode

Q = TypeVar("Q", bound=Question)


class Computed(NamedTuple):
    """The numbers of an answer: its summary, its arrays by name, and the iterations done."""

    result: Answer
    arrays: dict[str, NDArray[Any]]
    done: int

    def plain_result(self) -> dict[str, Any]:
        """Return the summary as JSON's own types, null where a number is not finite."""
        summary: dict[str, Any] = orjson.loads(encode(self.result))
        return summary


@dataclass(frozen=True)
class Computation(Generic[Q]):
    """A kind of computation that can be kept.

    ``check`` raises Invalid for questions that make no sense or take too long; ``compute``
    answers the others; ``total`` counts the iterations asked for.
    """

    kind: Literal["training_run", "basin_map"]
    prefix: Literal["run", "map"]
    path: str
    check: Callable[[Q, Samples, Limits], None]
    compute: Callable[[Q, Samples], Computed]
    total: Callable[[Q], int]
