"""Sources of datasets, and stored datasets."""

import hashlib
import struct
from abc import abstractmethod
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NoReturn, TypeAlias

import numpy as np
from pydantic import Field, RootModel, field_serializer, model_validator

from service.engine.data import Dataset, Series, count_ones, remember
from service.engine.types import Array
from service.errors import NotFound, count
from service.schemas.arrays import InputMatrix, InputVector, error_at
from service.schemas.base import NUMBER, Page, RequestModel, ResponseModel, Tagged
from service.schemas.common import NetworkSchema
from service.schemas.problems import Assumption
from service.schemas.resolved_datasets import AnyDataset, ResolvedDataset, ResolvedSeries
from service.schemas.series import (
    MAX_INPUTS,
    MAX_NAME,
    ColumnName,
    SequenceSchema,
    StepSchema,
    series_id,
    to_series,
)
from service.values.numbers import pieces

DATASET_ID = r"^ds_[0-9a-f]{32}$"


KIND = "The source of the dataset."
ONE_TARGET_NEEDED = (
    "A series has a target at every step; this operation requires one target per sequence. "
    "Fit a series with POST /v1/fits"
)


class DatasetKind(RequestModel):
    """A kind of dataset. A new one is a subclass of this, and a member of a union below."""

    @property
    def n_given(self) -> int:
        """The number of inputs in the request itself.

        They are part of the hash in the id of the result, and are stored before a job uses them.
        """
        return 0

    @abstractmethod
    def resolve(self) -> AnyDataset:
        """Return the dataset, without reading its arrays."""

    def name(self) -> dict[str, Any]:
        """Return the JSON of the dataset in the request of a stored result."""
        return self.model_dump(mode="json")


SampleCount = Annotated[
    int, Field(ge=1, le=1_000_000, description="The number of sequences."), NUMBER
]
StepCount = Annotated[
    int, Field(ge=1, le=10_000, description="The length of each sequence."), NUMBER
]
Seed = Annotated[
    int, Field(ge=0, le=2**32 - 1, description="The seed; equal seeds give equal datasets."), NUMBER
]


class CountOnesDataset(DatasetKind):
    """Random bit sequences and the number of ones in each, generated as in the tutorial."""

    kind: Annotated[Literal["count_ones"], Field(description=KIND)] = "count_ones"
    n_samples: SampleCount = 20
    n_steps: StepCount = 10
    seed: Seed = 1
    noise: Annotated[float, Field(ge=0, le=1e6), NUMBER] = 0.0
    """The standard deviation of normal noise added to the targets."""

    def resolve(self) -> ResolvedDataset:
        """Return the dataset, which is generated when its arrays are first needed."""
        draw = partial(count_ones, self.n_samples, self.n_steps, self.seed, self.noise)
        return ResolvedDataset(Dataset(self.n_samples, self.n_steps, draw))


class RememberDataset(DatasetKind):
    """Sequences whose first input is the target, a standard normal number, followed by zeros."""

    kind: Annotated[Literal["remember"], Field(description=KIND)]
    n_samples: SampleCount = 20
    n_steps: StepCount = 30
    seed: Seed = 1

    def resolve(self) -> ResolvedDataset:
        """Return the dataset, which is generated when its arrays are first needed."""
        draw = partial(remember, self.n_samples, self.n_steps, self.seed)
        return ResolvedDataset(Dataset(self.n_samples, self.n_steps, draw))


class ExplicitDataset(DatasetKind):
    """A dataset in the request itself."""

    kind: Annotated[Literal["explicit"], Field(description=KIND)]
    inputs: InputMatrix
    """Sequences of equal length; at most 20,000 steps by default."""
    targets: InputVector
    """The target of each sequence: the desired last state."""

    @model_validator(mode="after")
    def _of_one_size(self) -> "ExplicitDataset":
        if len(self.inputs) != len(self.targets):
            given = f"{count(len(self.inputs), 'sequence')}, {count(len(self.targets), 'target')}"
            raise error_at("sizes", f"there must be one target per sequence: {given}")
        return self

    @field_serializer("inputs", "targets", when_used="json")
    def _to_lists(self, array: Array) -> list[Any]:
        numbers: list[Any] = array.tolist()
        return numbers

    @property
    def n_given(self) -> int:
        """The number of inputs."""
        return self.inputs.size

    def resolve(self) -> ResolvedDataset:
        """Return the dataset of the arrays."""
        return ResolvedDataset.from_arrays(self.inputs, self.targets)

    def name(self) -> dict[str, Any]:
        """Return the stored dataset with the same arrays; both are the same request."""
        return {"kind": "stored", "id": dataset_id(self.inputs, self.targets)}


class StoredDataset(DatasetKind):
    """A stored dataset."""

    kind: Annotated[Literal["stored"], Field(description=KIND)]
    id: Annotated[str, Field(examples=["ds_" + "0" * 32])]
    """The id of the dataset."""

    def resolve(self) -> NoReturn:
        """Raise NotFound, because the dataset is only in the database."""
        raise NotFound(f"{self.id!r} does not exist")


class StoredSequences(StoredDataset):
    """A stored dataset, or one sequence of a stored series."""

    sequence: Annotated[str | None, Field(max_length=MAX_NAME, examples=["north"])] = None
    """The name of the only sequence to use, or its position from 0 if the sequences have no
    names; by default all are used."""

    def name(self) -> dict[str, Any]:
        """Return the JSON of the dataset in the request of a stored result."""
        return self.model_dump(mode="json", exclude_none=True)


def dataset_id(inputs: Array, targets: Array) -> str:
    """Return the id of a dataset, which is the same for JSON, CSV and npz.

    The hash covers the shape (N, T) as two unsigned 64-bit integers, then inputs and targets as
    float64, all little-endian, with -0.0 replaced by 0.0.
    """
    sha256 = hashlib.sha256(struct.pack("<QQ", *inputs.shape))
    for array in (inputs, targets):
        for _, piece in pieces(array):
            sha256.update(np.ascontiguousarray(piece + 0.0, dtype="<f8").data)
    return f"ds_{sha256.hexdigest()[:32]}"


class SeriesDataset(DatasetKind):
    """Sequences with named inputs and a target at every step, some of which may be missing."""

    kind: Annotated[Literal["series"], Field(description=KIND)]
    inputs: Annotated[
        list[ColumnName], Field(max_length=MAX_INPUTS, examples=[["spend", "heating"]])
    ]
    """The names of the q inputs; q may be 0."""
    target: ColumnName = "target"
    """The name of the target."""
    sequences: Annotated[list[SequenceSchema], Field(min_length=1, fail_fast=True)]
    """The sequences, whose lengths may differ."""
    step: StepSchema = StepSchema()
    """The time between two targets."""
    _series: Series

    @model_validator(mode="after")
    def _of_equal_sizes(self) -> "SeriesDataset":
        self._series = to_series(self.inputs, self.target, self.sequences, self.step)
        return self

    @property
    def n_given(self) -> int:
        """The number of inputs and targets."""
        return sum(len(sequence.targets) for sequence in self.sequences) * (1 + len(self.inputs))

    def resolve(self) -> ResolvedSeries:
        """Return the series."""
        return ResolvedSeries.from_series(self._series)

    def name(self) -> dict[str, Any]:
        """Return the stored series with the same content; both are the same request."""
        return {"kind": "stored", "id": series_id(self._series)}


OneTargetDataset: TypeAlias = CountOnesDataset | RememberDataset | ExplicitDataset
DatasetSource = Annotated[
    OneTargetDataset | StoredDataset,
    Field(discriminator="kind", description="The dataset: generated, explicit, or stored."),
    Tagged("kind", "count_ones", {"series": ONE_TARGET_NEEDED}),
]
AnyDatasetSource = Annotated[
    OneTargetDataset | SeriesDataset | StoredSequences,
    Field(
        discriminator="kind", description="The dataset: generated, explicit, a series, or stored."
    ),
    Tagged("kind", "count_ones"),
]


class ObjectiveRequest(RequestModel):
    """A request about the cost of a network over a dataset."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkSchema = NetworkSchema()
    """The activation and the initial state."""


class DatasetRequest(RootModel[AnyDatasetSource]):
    """The dataset to store."""

    root: AnyDatasetSource = CountOnesDataset()


class NumberRange(ResponseModel):
    """The range of the numbers of an array."""

    low: float
    """The minimum."""
    high: float
    """The maximum."""


class DatasetSummary(ResponseModel):
    """A stored dataset, without its arrays."""

    id: Annotated[str, Field(pattern=DATASET_ID)]
    """A hash of the dataset."""
    name: str | None
    """The name given by the client, or null."""
    kind: Literal["explicit", "series"]
    """Explicit: one target per sequence. Series: a target at every step."""
    n_samples: int
    """The number of sequences."""
    n_steps: int
    """The length of the longest sequence."""
    n_targets: int
    """The number of targets that are not missing."""
    inputs: list[str] | None = None
    """The names of the inputs of a series."""
    target: str | None = None
    """The name of the target of a series."""
    step: StepSchema | None = None
    """The time between the steps of a series."""
    sequence_names: list[str] | None = None
    """The names of the sequences of a series, or null."""
    start_times: list[str | float] | None = None
    """The times of the first steps of the sequences of a series, dates or numbers; null without
    times, or for more than 1000 sequences."""
    repairs: list[str] | None = None
    """The repairs of the table from which a series was last stored; null without any."""
    assumptions: list[Assumption] | None = None
    """Observations and assumptions about the table of a series; null without anything."""
    roles: str | None = None
    """The roles of the columns in one line, in the response to an upload that proposed them."""
    bytes: int
    """The size of both arrays as float64, in bytes."""
    input_range: NumberRange | None
    """The range of the inputs; null without inputs."""
    target_range: NumberRange
    """The range of the targets."""
    created_at: datetime
    """When it was stored."""
    created_by: str | None = None
    """The name of the API key that stored it; null without keys."""
    links: dict[str, str]
    """Paths of its files."""


class DatasetPage(Page[DatasetSummary]):
    """One page of stored datasets, newest first."""
