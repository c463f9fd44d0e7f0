"""Prepare the pictures of fits."""

from typing import Any, Final

import numpy as np

from service.engine.data import Step
from service.operations.fits import FIT, PROFILE, TABLE
from service.operations.limits import Limits
from service.operations.pictures import Picture, name_computation
from service.rendering.requests import (
    FIT_SIZE,
    PROFILE_SIZE,
    FitPictureRequest,
    PictureRequest,
    ProfilePictureRequest,
    figure_style,
)
from service.schemas.pictures import PictureOptions
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

MAX_SEQUENCES: Final = 8  # one per color
MAX_ROWS: Final = 1_000  # of sequences with one target, which are drawn side by side


def fit_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of a fit over time."""
    http_request, etag = name_computation(FIT, f".{suffix}", row, options, limits)

    def prepare(database: Database) -> PictureRequest:
        arrays = computations.load_arrays(database, row.id)
        starts = np.flatnonzero(np.diff(arrays["sequence"], prepend=-1))
        n_rows, n_sequences = len(arrays["sequence"]), len(starts)
        end = min(n_rows, MAX_ROWS)
        if n_rows > n_sequences > MAX_SEQUENCES:
            end = int(starts[MAX_SEQUENCES])
        return FitPictureRequest(
            columns={name: arrays[name][:end] for name in TABLE},
            target=str((row.result or {})["target"]),
            n_sequences=n_sequences,
            style=figure_style(options, FIT_SIZE),
            suffix=suffix,
            http_request=http_request,
            **_describe(row),
        )

    return Picture(etag, suffix, prepare)


def profile_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of the profile of a fit."""
    http_request, etag = name_computation(FIT, f"/profile.{suffix}", row, options, limits)

    def prepare(database: Database) -> PictureRequest:
        arrays = computations.load_arrays(database, row.id)
        return ProfilePictureRequest(
            columns={name: arrays[name] for name in PROFILE.values()},
            style=figure_style(options, PROFILE_SIZE),
            suffix=suffix,
            http_request=http_request,
            **_describe(row),
        )

    return Picture(etag, suffix, prepare)


def _describe(row: ComputationRow) -> dict[str, Any]:
    request = row.request
    return {
        "result": row.result,
        "step": Step(**request["step"]),
        "confidence": request["confidence"],
    }
