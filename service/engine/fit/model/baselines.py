"""Columns that are the same for all sequences: the trend and the season."""

import numpy as np

from service.engine.types import Array


def make_baselines(
    steps: Array, line: tuple[int, int] | None, season: tuple[int, int] | None
) -> Array:
    """Return the columns of the trend and of the season.

    Parameters
    ----------
    steps : (T,)
        The steps of a sequence, from 0.
    line
        The steps at which the trend is 0 and 1; None without a trend.
    season
        The period in steps and the number of harmonics; None without a season.

    Returns
    -------
    baselines : (T, b)
        The line, then a cosine and a sine per harmonic. The sine of half the period is 0 at all
        steps and is left out.
    """
    columns = []
    if line is not None:
        start, end = line
        columns.append((steps - start) / (end - start))
    period, n_harmonics = season or (1, 0)
    for k in range(1, n_harmonics + 1):
        turns = 2.0 * np.pi / period * (k * steps % period)
        columns.append(np.cos(turns))
        if 2 * k < period:
            columns.append(np.sin(turns))
    baselines: Array = np.array(columns).reshape(len(columns), len(steps)).T
    return baselines
