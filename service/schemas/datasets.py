"""Sources of datasets, and stored datasets."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.arrays import InputMatrix, InputVector
from service.schemas.base import NUMBER, RequestModel, ResponseModel

DATASET_ID = r"^ds_[0-9a-f]{32}$"


KIND = "The source of the dataset."


class CountOnesDataset(RequestModel):
    """Random bit sequences and the number of ones in each, generated as in the tutorial."""

    kind: Annotated[Literal["count_ones"], Field(description=KIND)] = "count_ones"
    n_samples: Annotated[
        int, Field(ge=1, le=1_000_000, description="The number of sequences."), NUMBER
    ] = 20
    n_steps: Annotated[
        int, Field(ge=1, le=10_000, description="The length of each sequence."), NUMBER
    ] = 10
    seed: Annotated[
        int,
        Field(ge=0, le=2**32 - 1, description="The seed; equal seeds give equal datasets."),
        NUMBER,
    ] = 1
    noise: Annotated[
        float,
        Field(
            ge=0, le=1e6, description="The standard deviation of normal noise added to the targets."
        ),
        NUMBER,
    ] = 0.0


class ExplicitDataset(RequestModel):
    """A dataset in the request itself."""

    kind: Annotated[Literal["explicit"], Field(description=KIND)]
    inputs: Annotated[
        InputMatrix,
        Field(description="Sequences of equal length; at most 10,000 steps by default."),
    ]
    targets: Annotated[
        InputVector,
        Field(description="The target of each sequence: the desired last state."),
    ]

    @model_validator(mode="after")
    def _of_one_size(self) -> "ExplicitDataset":
        if len(self.inputs) != len(self.targets):
            raise PydanticCustomError(
                "sizes",
                "there must be one target per sequence: {n_inputs} sequences, {n_targets} targets",
                {"n_inputs": len(self.inputs), "n_targets": len(self.targets)},
            )
        return self


class StoredDataset(RequestModel):
    """A stored dataset."""

    kind: Annotated[Literal["stored"], Field(description=KIND)]
    id: Annotated[str, Field(description="The id of the dataset.", examples=["ds_" + "0" * 32])]


def tagged(tag: str, default: str) -> BeforeValidator:
    """Return a validator that adds the default tag to an object without one."""

    def fill_in(value: Any) -> Any:
        if isinstance(value, dict) and tag not in value:
            return {tag: default, **value}
        return value

    return BeforeValidator(fill_in)


DatasetSource = Annotated[
    CountOnesDataset | ExplicitDataset | StoredDataset,
    Field(discriminator="kind", description="The dataset: generated, explicit, or stored."),
    tagged("kind", "count_ones"),
]


class DatasetRequest(RootModel[DatasetSource]):
    """The dataset to store."""

    root: DatasetSource = CountOnesDataset()


class NumberRange(ResponseModel):
    """The range of the numbers of an array."""

    low: Annotated[float, Field(description="The minimum.")]
    high: Annotated[float, Field(description="The maximum.")]


class DatasetSummary(ResponseModel):
    """A stored dataset, without its arrays."""

    id: Annotated[str, Field(pattern=DATASET_ID, description="A hash of the dataset.")]
    n_samples: Annotated[int, Field(description="The number of sequences.")]
    n_steps: Annotated[int, Field(description="The length of each sequence.")]
    bytes: Annotated[int, Field(description="The size of both arrays as float64.")]
    input_range: Annotated[NumberRange, Field(description="The range of the inputs.")]
    target_range: Annotated[NumberRange, Field(description="The range of the targets.")]
    created_at: Annotated[datetime, Field(description="When it was stored.")]
    created_by: Annotated[
        str | None, Field(description="The name of the API key that stored it; null without keys.")
    ] = None
    links: Annotated[dict[str, str], Field(description="Paths of its files.")]


class DatasetPage(ResponseModel):
    """One page of stored datasets, newest first."""

    items: Annotated[list[DatasetSummary], Field(description="Up to limit datasets.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
