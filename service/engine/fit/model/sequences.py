"""Sequences of inputs and targets in the units of a fit, and the noise at their targets.

The noise is a stationary first-order autoregression at irregular steps: the noise e of a sequence
has the correlation rho^gap over a gap of so many steps. Its innovations
(e_i - rho^gap e_(i-1)) / s_i with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have
equal variances. The first target of a sequence follows a gap of infinite length and is included.
White noise has rho = 0.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model.columns import Columns
from service.engine.fit.model.recurrence import recur, spread
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Sequences:
    """N sequences, padded to one length, in the units of a fit, with n targets.

    Attributes
    ----------
    sources : (N, T, q + 2 + b)
        An impulse for the start, the inputs, a constant, and the trend and the season.
    targets : (N, T)
        nan where there is none.
    multiplicity : (N,)
        The number of sequences of the data that each stands for.
    columns
        The order of the sources.
    sizes : (N, T)
        Those of the errors, relative to each other; None if all are equal.
    """

    sources: Array
    targets: Array
    multiplicity: Array
    columns: Columns
    sizes: Array | None = None

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Sequences":
        return replace(
            self,
            sources=self.sources[rows],
            targets=self.targets[rows],
            multiplicity=self.multiplicity[rows],
            sizes=None if self.sizes is None else self.sizes[rows],
        )

    @property
    def inputs(self) -> Array:
        """The inputs (N, T, q)."""
        return self.sources[..., self.columns.inputs]

    @cached_property
    def has_target(self) -> NDArray[np.bool_]:
        """The mask (N, T) of targets."""
        return ~np.isnan(self.targets)

    @cached_property
    def sources_at_targets(self) -> Array:
        """The sources (q + 2 + b, n) at the steps with a target."""
        return np.ascontiguousarray(self.sources[self.has_target].T)

    @cached_property
    def scales(self) -> Array:
        """The sizes (n, 1) of the errors of the targets; (1, 1) if all are equal."""
        sizes = np.ones(1) if self.sizes is None else self.sizes[self.has_target]
        return sizes[:, None]

    @cached_property
    def _positions(self) -> tuple[NDArray[np.intp], ...]:
        return np.nonzero(self.has_target)

    @property
    def sequence(self) -> NDArray[np.intp]:
        """The sequence (n,) of each target."""
        return self._positions[0]

    @property
    def step(self) -> NDArray[np.intp]:
        """The step (n,) of each target, from 0."""
        return self._positions[1]

    @cached_property
    def is_first(self) -> NDArray[np.bool_]:
        """The mask (n,) of the first target of each sequence."""
        return np.diff(self.sequence, prepend=-1) > 0

    @cached_property
    def edges(self) -> NDArray[np.intp]:
        """The indices of the first targets."""
        return np.flatnonzero(self.is_first)

    @cached_property
    def gaps(self) -> Array:
        """The steps (n,) to each target from the one before; infinite for the first ones."""
        return np.where(self.is_first, np.inf, np.diff(self.step, prepend=0))

    @cached_property
    def _different_gaps(self) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
        """All different gaps, increasing, which of them each target (n,) follows, and how many."""
        return np.unique(self.gaps, return_inverse=True, return_counts=True)

    @property
    def gap_counts(self) -> tuple[Array, NDArray[np.intp]]:
        """All different gaps, increasing, and their frequencies."""
        sizes, _, counts = self._different_gaps
        return sizes, counts

    @cached_property
    def usual_gap(self) -> float:
        """The most frequent gap between two targets; 1 if there is none."""
        sizes, counts = self.gap_counts
        is_finite = np.isfinite(sizes)
        if not is_finite.any():
            return 1.0
        return float(sizes[np.argmax(np.where(is_finite, counts, 0))])

    def whiten(self, rows: Array, rho: Array | float) -> Array:
        """Return the innovations of rows at targets; the inverse is `color`.

        Parameters
        ----------
        rows : (..., n, m)
            A row per target.
        rho
            A number, or an array that is broadcast with the rows.

        Returns
        -------
        innovations : (..., n, m)
            With equal variances.
        """
        if not np.any(rho):
            return rows
        sizes, places, _ = self._different_gaps
        gaps = sizes[:, None]
        deviations = spread(rho, gaps)
        shares = np.take(rho**gaps / deviations, places, axis=-2)
        white = rows / np.take(deviations, places, axis=-2)
        white[..., 1:, :] -= shares[..., 1:, :] * rows[..., :-1, :]
        return np.asarray(white)

    def color(self, innovations: Array, rho: float) -> Array:
        """Return the noise of innovations at targets; it decays over steps without targets.

        Parameters
        ----------
        innovations : (n, m)
            A row per target.
        rho
            The autocorrelation over one step.

        Returns
        -------
        noise : (n, m)
            With the correlation rho^gap.
        """
        impulses = np.zeros((*self.has_target.shape, innovations.shape[1]))
        impulses[self.has_target] = innovations * spread(rho, self.gaps)[:, None]
        return recur(rho, impulses)[self.has_target]

    def color_transposed(self, factors: Array, rho: float) -> Array:
        """Return the factors of innovations in a sum of noise, of which `color` makes that noise.

        Parameters
        ----------
        factors : (n,)
            Those of the noise at targets.
        rho
            The autocorrelation over one step.

        Returns
        -------
        factors : (n,)
            Those of the innovations: the transpose of `color`.
        """
        impulses = np.zeros((*self.has_target.shape, 1))
        impulses[self.has_target] = factors[:, None]
        later = recur(rho, impulses[:, ::-1])[:, ::-1, 0]
        return np.asarray(later[self.has_target] * spread(rho, self.gaps))

    def log_determinant(self, rho: Array) -> Array:
        """Return the logarithm of the determinant of the covariances, for one step's variance.

        Parameters
        ----------
        rho
            The autocorrelations over one step, of any shape.

        Returns
        -------
        logarithms
            Of the same shape.
        """
        sizes, counts = self.gap_counts
        return np.asarray(2.0 * (np.log(spread(rho[..., None], sizes)) @ counts))

    def sum(self, rows: Array) -> Array:
        """Return the sums of rows at the targets of each sequence.

        Parameters
        ----------
        rows : (..., n, m)
            A row per target.

        Returns
        -------
        sums : (..., N, m)
            0 without targets.
        """
        columns = np.swapaxes(rows, -1, -2)
        sums = np.zeros((*columns.shape[:-1], len(self.targets)))
        sums[..., self.sequence[self.edges]] = np.add.reduceat(columns, self.edges, axis=-1)
        return np.swapaxes(sums, -1, -2)

    def regress_on_own(self, column: Array, rows: Array) -> tuple[Array, Array]:
        """Return the regression of rows on a column of each sequence.

        Parameters
        ----------
        column : (..., n, 1)
            A column with a weight of its own for each sequence.
        rows : (..., n, m)
            A row per target.

        Returns
        -------
        coefficients : (..., N, m)
            0 without targets.
        squares : (..., N, 1)
            The sums of the squares of the column; 1 for those that count as 0.
        """
        squares = self.sum(column * column)
        squares[squares < constants.TINY] = 1.0
        return self.sum(column * rows) / squares, squares

    def subtract_own(self, column: Array, rows: Array, coefficients: Array) -> Array:
        """Return rows minus multiples of a column, other ones for each sequence.

        Parameters
        ----------
        column : (..., n, 1)
            The column.
        rows : (..., n, m)
            A row per target.
        coefficients : (..., N, m)
            The multiples, for each sequence.

        Returns
        -------
        rest : (..., n, m)
            Of the shape of the rows.
        """
        of_targets = np.take(np.swapaxes(coefficients, -1, -2), self.sequence, axis=-1)
        explained = column * np.swapaxes(of_targets, -1, -2)
        return np.subtract(rows, explained, out=explained)

    def eliminate(self, rows: Array, n_own: int) -> "Elimination":
        """Remove the first columns, which belong to single sequences, one after the other.

        Parameters
        ----------
        rows : (..., n, n_own + m)
            A row per target.
        n_own
            The number of these columns.

        Returns
        -------
        Elimination
            With the projection of the other columns.
        """
        total = self.sum(rows[..., :n_own] ** 2)
        columns = [rows[..., :0]]
        coefficients = []
        sums = [total[..., :0]]
        for k in range(n_own):
            column = rows[..., :1]
            is_explained = self.sum(column**2) <= constants.OWN_RTOL * total[..., k : k + 1]
            of_targets = np.take(is_explained[..., 0], self.sequence, axis=-1)
            column = np.where(of_targets[..., None], 0.0, column)
            parts, squares = self.regress_on_own(column, rows[..., 1:])
            rows = self.subtract_own(column, rows[..., 1:], parts)
            columns.append(column)
            coefficients.append(parts)
            sums.append(squares)
        return Elimination(
            np.concatenate(columns, axis=-1), coefficients, np.concatenate(sums, axis=-1), rows
        )

    def remove_own(self, columns: Array, rows: Array) -> Array:
        """Return the projection of rows onto the complement of columns of single sequences.

        Parameters
        ----------
        columns : (..., n, k)
            Those of `eliminate`, each without those before.
        rows : (..., n, m)
            A row per target.

        Returns
        -------
        rest : (..., n, m)
            Of the shape of the rows.
        """
        for k in range(columns.shape[-1]):
            column = columns[..., k : k + 1]
            coefficients, _ = self.regress_on_own(column, rows)
            rows = self.subtract_own(column, rows, coefficients)
        return rows


class Elimination(NamedTuple):
    """The columns of single sequences, each without those before, and the projection of others."""

    columns: Array  # (..., n, n_own); 0 where the earlier ones explain all of it
    coefficients: list[Array]  # the multiples (..., N, m) of each in the m columns after it
    squares: Array  # (..., N, n_own), the sums of the squares of the columns; 1 for 0
    rest: Array  # (..., n, m), the other columns
