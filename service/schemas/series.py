"""Series in requests: named inputs, and sequences with targets at any of their steps."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import rfc8785
from pydantic import Field, StringConstraints
from pydantic_core import PydanticCustomError

from service.engine.data import Series, Step, describe_step
from service.errors import LimitExceeded, count
from service.schemas.arrays import Observations, Steps, error_at
from service.schemas.base import NUMBER, Real, RequestModel
from service.values.numbers import LARGEST, SMALLEST, pieces
from service.values.times import MAX_NAMED, Times, TimesError

MAX_INPUTS = 12
MAX_NAME = 100  # characters

# A quotation mark would end the name in the header of a table.
NAME_PATTERN = r'^[^"\x00-\x1f\x7f-\x9f]+$'
ColumnName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME, pattern=NAME_PATTERN)
]


class StepSchema(RequestModel):
    """The time from one step to the next."""

    length: Annotated[float, Field(ge=SMALLEST, le=LARGEST), NUMBER] = 1.0
    """Its length in units."""
    unit: Annotated[ColumnName, Field(examples=["hour"])] = "step"
    """Its unit."""

    def to_step(self) -> Step:
        """Return the engine's step."""
        return Step(self.length, self.unit)


class SequenceSchema(RequestModel):
    """One sequence of a series."""

    name: Annotated[ColumnName | None, Field(examples=["north"])] = None
    """Its name, if all sequences have one; above 1000 sequences, names are not stored."""
    times: Annotated[
        list[str | Real] | None,
        Field(min_length=1, fail_fast=True, examples=[["2024-01-01", "2024-01-08"]]),
    ] = None
    """The times of its steps, if all sequences have them: dates or numbers, as in a table. They
    must be equally spaced, by the step of the series."""
    inputs: Steps | None = None
    """The numbers of all inputs at each step, (T, q). Null is allowed if the series has no
    inputs."""
    targets: Observations
    """The target at each step, (T,); null is a gap."""

    def to_rows(self, n_inputs: int, index: int) -> Steps:
        """Return the inputs (T, q); raises an error if they do not match the targets."""
        n_steps = len(self.targets)
        inputs = np.empty((n_steps, 0)) if self.inputs is None else self.inputs
        if inputs.shape != (n_steps, n_inputs):
            given = "{} by {}".format(*inputs.shape)
            wanted = f"{count(n_steps, 'step')} of {count(n_inputs, 'number')}"
            message = f"There must be {wanted}, not {given}"
            raise error_at("sizes", message, "sequences", index, "inputs")
        return inputs


def check_inputs(n_inputs: int) -> None:
    """Raise LimitExceeded for a file with more inputs than a fit can have."""
    if n_inputs > MAX_INPUTS:
        detail = f"choose at most {MAX_INPUTS} of {n_inputs} inputs"
        raise LimitExceeded(detail, parameter="inputs", limit=MAX_INPUTS, needed=n_inputs)


def to_names(sequences: Sequence[str]) -> tuple[str, ...]:
    """Return the names of sequences; empty if they are 0, 1, …, or too many to store."""
    is_count = all(name == str(i) for i, name in enumerate(sequences))
    return () if is_count or len(sequences) > MAX_NAMED else tuple(sequences)


def to_series(
    inputs: list[str], target: str, sequences: list[SequenceSchema], step: StepSchema
) -> Series:
    """Return the engine's series; raises errors of a model."""
    for i, name in enumerate(inputs):
        if name in {target, *inputs[:i]}:
            raise error_at("repeated", f"Two columns are named {name}", "inputs", i)
    rows = [sequence.to_rows(len(inputs), i) for i, sequence in enumerate(sequences)]
    targets = [sequence.targets for sequence in sequences]
    names = [sequence.name for sequence in sequences if sequence.name is not None]
    if names and len({*names}) < len(sequences):
        message = "Either all sequences or none must have names, which must be different"
        raise PydanticCustomError("names", message, {"at": ["sequences"]})
    if all(np.isnan(part).all() for part in targets):
        raise PydanticCustomError("no_target", "All targets are missing", {"at": ["sequences"]})
    used_step, starts = _find_times(sequences, step)
    columns = tuple(inputs), target, used_step, to_names(names), starts
    return Series.from_sequences(rows, targets, *columns)


def _find_times(
    sequences: list[SequenceSchema], step: StepSchema
) -> tuple[Step, tuple[str | float, ...]]:
    """Return the step, and the times of the first steps; raises errors of a model."""
    if all(sequence.times is None for sequence in sequences):
        return step.to_step(), ()
    times, codes = Times(step.unit), list[int]()
    for i, sequence in enumerate(sequences):
        if len(sequence.times or []) != len(sequence.targets):
            message = f"There must be {count(len(sequence.targets), 'time')}, as many as targets"
            raise error_at("sizes", message, "sequences", i, "times")
        codes += [i] * len(sequence.targets)
    try:
        times.add([str(time) for sequence in sequences for time in sequence.times or []])
        found_step, starts = times.find_steps(np.array(codes))
    except TimesError as error:
        row, detail = error.row, error.detail
        at: list[int | str] = (
            [] if row is None else [codes[row], "times", row - codes.index(codes[row])]
        )
        raise error_at("times", detail[0].upper() + detail[1:], "sequences", *at) from None
    if step.model_fields_set and found_step != step.to_step() and len(codes) > len(sequences):
        message = f"The times have steps of {describe_step(found_step)}"
        raise error_at("step", message, "step")
    return found_step, starts


def series_id(series: Series) -> str:
    """Return the id of a series, which is the same for JSON, CSV and npz.

    The hash covers its names, the names of its sequences and their first times if given, and its
    step as canonical JSON (RFC 8785); the number n of sequences and their lengths as unsigned
    64-bit integers; then the inputs of all sequences and their targets as float64, nan for missing
    targets, all little-endian, with -0.0 replaced by 0.0.
    """
    head: dict[str, Any] = {
        "kind": "series",
        "inputs": series.input_names,
        "target": series.target_name,
        "step": series.step._asdict(),
    }
    if series.sequence_names:
        head["sequences"] = series.sequence_names
    if series.start_times:
        head["start_times"] = series.start_times
    sha256 = hashlib.sha256(rfc8785.dumps(head))
    sha256.update(np.array([len(series.lengths)], "<u8").data)
    sha256.update(series.lengths.astype("<u8").data)
    for array in (series.inputs, series.targets):
        for _, piece in pieces(array):
            # Replace all nan by one, because their bits may differ.
            numbers = np.where(np.isnan(piece), np.nan, piece + 0.0)
            sha256.update(np.ascontiguousarray(numbers, dtype="<f8").data)
    return f"ds_{sha256.hexdigest()[:32]}"
