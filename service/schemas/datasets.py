"""Where the samples of a question come from, and stored datasets."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.arrays import InputMatrix, InputVector
from service.schemas.base import NUMBER, RequestModel, ResponseModel

DATASET_ID = r"^ds_[0-9a-f]{32}$"


KIND = "Where the samples come from."


class CountOnesDataset(RequestModel):
    """Bit sequences and the number of ones in each, drawn as the tutorial note draws them."""

    kind: Annotated[Literal["count_ones"], Field(description=KIND)] = "count_ones"
    n_samples: Annotated[
        int, Field(ge=1, le=1_000_000, description="Number of sequences."), NUMBER
    ] = 20
    n_steps: Annotated[int, Field(ge=1, le=10_000, description="Length of each."), NUMBER] = 10
    seed: Annotated[
        int,
        Field(ge=0, le=2**32 - 1, description="Seed of the draw: the same seed, the same data."),
        NUMBER,
    ] = 1
    noise: Annotated[
        float,
        Field(ge=0, le=1e6, description="Standard deviation of normal noise on the targets."),
        NUMBER,
    ] = 0.0


class ExplicitDataset(RequestModel):
    """Samples given in the request."""

    kind: Annotated[Literal["explicit"], Field(description=KIND)]
    inputs: Annotated[
        InputMatrix,
        Field(description="A list of sequences of one length, of at most 10,000 steps by default."),
    ]
    targets: Annotated[
        InputVector, Field(description="For each sequence, what the last state should be.")
    ]

    @model_validator(mode="after")
    def _of_one_size(self) -> "ExplicitDataset":
        if len(self.inputs) != len(self.targets):
            raise PydanticCustomError(
                "sizes",
                "{n_inputs} sequences need as many targets, not {n_targets}",
                {"n_inputs": len(self.inputs), "n_targets": len(self.targets)},
            )
        return self


class StoredDataset(RequestModel):
    """A dataset that was stored before."""

    kind: Annotated[Literal["stored"], Field(description=KIND)]
    id: Annotated[str, Field(description="The dataset's id.", examples=["ds_" + "0" * 32])]


def tagged(tag: str, default: str) -> BeforeValidator:
    """Read an object without its tag as the default kind, as the note would have it."""

    def fill_in(value: Any) -> Any:
        if isinstance(value, dict) and tag not in value:
            return {tag: default, **value}
        return value

    return BeforeValidator(fill_in)


DatasetSource = Annotated[
    CountOnesDataset | ExplicitDataset | StoredDataset,
    Field(discriminator="kind", description="The samples: drawn, given here, or stored before."),
    tagged("kind", "count_ones"),
]


class DatasetRequest(RootModel[DatasetSource]):
    """The samples to store."""

    root: DatasetSource = CountOnesDataset()


class NumberRange(ResponseModel):
    """The least and the greatest number of an array."""

    low: Annotated[float, Field(description="The least.")]
    high: Annotated[float, Field(description="The greatest.")]


class DatasetSummary(ResponseModel):
    """A stored dataset, without its arrays."""

    id: Annotated[str, Field(pattern=DATASET_ID, description="A hash of the samples.")]
    n_samples: Annotated[int, Field(description="Number of sequences.")]
    n_steps: Annotated[int, Field(description="Length of each.")]
    bytes: Annotated[int, Field(description="Size of both arrays as float64.")]
    input_range: Annotated[NumberRange, Field(description="The range of the inputs.")]
    target_range: Annotated[NumberRange, Field(description="The range of the targets.")]
    created_at: Annotated[datetime, Field(description="When it was stored.")]
    links: Annotated[dict[str, str], Field(description="Where its parts are.")]


class DatasetPage(ResponseModel):
    """A page of stored datasets, newest first."""

    items: Annotated[list[DatasetSummary], Field(description="Up to limit datasets.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
