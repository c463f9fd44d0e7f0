"""Sequences of inputs and targets in the units of a fit, and the noise at their targets.

The noise is a stationary first-order autoregression at irregular steps: the noise e of a sequence
has the correlation rho^gap over a gap of so many steps. Its innovations
(e_i - rho^gap e_(i-1)) / s_i with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have
equal variances. The first target of a sequence follows a gap of infinite length and is included.
White noise has rho = 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model.columns import Columns
from service.engine.interruption import check_interruption
from service.engine.types import BLOCK, Array


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of at most ``BLOCK`` numbers.

    Parameters
    ----------
    n
        The number of items.
    n_numbers
        The numbers per item.

    Yields
    ------
    items : slice
        Of at least one item.
    """
    size = max(1, BLOCK // max(n_numbers, 1))
    return (slice(start, start + size) for start in range(0, n, size))


def recur(pole: complex | Array, x: NDArray[Any]) -> NDArray[Any]:
    """Return S_k = pole S_(k-1) + x_k for rows x, along axis 1.

    Parameters
    ----------
    pole
        The weight of the previous state, or that (T,) of each state in the next one.
    x : (N, T, m)
        The inputs of the recurrence.

    Returns
    -------
    states : (N, T, m)
        The states after each step; 0 before the first.
    """
    # Forward substitution in a band matrix. `scipy.signal.lfilter` is as fast, but its import takes
    # longer than a short fit.
    from scipy.linalg.lapack import dtbtrs, ztbtrs  # noqa: PLC0415 - takes long to import

    rows = np.array(np.swapaxes(x, 1, 2), np.result_type(x, pole), order="C")
    if not rows.size:  # the wrapper of LAPACK writes one column even if there is none
        return np.swapaxes(rows, 1, 2)
    bands = np.ones((2, rows.shape[-1]), rows.dtype, order="F")
    bands[1] = -pole
    substitute = ztbtrs if np.iscomplexobj(rows) else dtbtrs
    columns = rows.reshape(-1, rows.shape[-1]).T
    states, _ = substitute(bands, columns, uplo="L", diag="U", overwrite_b=True)
    return np.asarray(np.swapaxes(states.T.reshape(rows.shape), 1, 2))


def delay(states: NDArray[Any]) -> NDArray[Any]:
    """Return states one step later, after a state of 0.

    Parameters
    ----------
    states : (..., T, m)
        Of m sequences with T steps.

    Returns
    -------
    states : (..., T, m)
        A copy.
    """
    later = np.zeros_like(states)
    later[..., 1:, :] = states[..., :-1, :]
    return later


def spread(rho: Array | float, gaps: Array | float) -> Array:
    """Return the standard deviation of noise after a gap, relative to that of one step.

    Parameters
    ----------
    rho, gaps
        Numbers, or arrays that are broadcast.

    Returns
    -------
    deviations
        1 after a gap of one step.
    """
    squared = np.square(rho)
    return np.asarray(np.sqrt((1.0 - squared**gaps) / (1.0 - squared)))


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
    def gap_counts(self) -> tuple[Array, NDArray[np.intp]]:
        """All different gaps, increasing, and their frequencies."""
        return np.unique(self.gaps, return_counts=True)

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
        gaps = self.gaps[:, None]
        before = np.concatenate([rows[..., :1, :], rows[..., :-1, :]], axis=-2)
        return np.asarray((rows - rho**gaps * before) / spread(rho, gaps))

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

    def regress_on_starts(self, start: Array, rows: Array) -> tuple[Array, Array]:
        """Return the regression of rows on the start of each sequence.

        Parameters
        ----------
        start : (..., n, 1)
            The responses to the starts.
        rows : (..., n, m)
            A row per target.

        Returns
        -------
        coefficients : (..., N, m)
            0 without targets.
        squares : (..., N, 1)
            The sums of the squares of the starts; 1 for those that count as 0.
        """
        squares = self.sum(start * start)
        squares[squares < constants.TINY] = 1.0
        return self.sum(start * rows) / squares, squares

    def subtract_starts(self, start: Array, rows: Array, coefficients: Array) -> Array:
        """Return rows minus multiples of the start of each sequence.

        Parameters
        ----------
        start : (..., n, 1)
            The responses to the starts.
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
        return np.asarray(rows - start * np.swapaxes(of_targets, -1, -2))

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
            parts, squares = self.regress_on_starts(column, rows[..., 1:])
            rows = self.subtract_starts(column, rows[..., 1:], parts)
            columns.append(column)
            coefficients.append(parts)
            sums.append(squares)
        return Elimination(
            np.concatenate(columns, axis=-1), coefficients, np.concatenate(sums, axis=-1), rows
        )

    def remove_starts(self, start: Array, rows: Array) -> Array:
        """Return the projection of rows onto the complement of the start of each sequence.

        Parameters
        ----------
        start : (..., n, 1)
            The responses to the starts.
        rows : (..., n, m)
            A row per target.

        Returns
        -------
        rest : (..., n, m)
            Of the shape of the rows.
        """
        coefficients, _ = self.regress_on_starts(start, rows)
        return self.subtract_starts(start, rows, coefficients)


class Elimination(NamedTuple):
    """The columns of single sequences, each without those before, and the projection of others."""

    columns: Array  # (..., n, n_own); 0 where the earlier ones explain all of it
    coefficients: list[Array]  # the multiples (..., N, m) of each in the m columns after it
    squares: Array  # (..., N, n_own), the sums of the squares of the columns; 1 for 0
    rest: Array  # (..., n, m), the other columns


def compress(sequences: Sequences, *, has_own_starts: bool, has_own_offsets: bool) -> Sequences:
    """Return fewer sequences with the same sum of squared residuals for every w.

    A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
    decomposition replaces all sequences whose targets are at the same steps.

    Parameters
    ----------
    sequences
        Of any number.
    has_own_starts, has_own_offsets
        True if each has its own unknown start, and its own unknown offset.

    Returns
    -------
    Sequences
        With their multiplicity.
    """
    check_interruption()
    n_sequences, n_steps = sequences.targets.shape
    inputs = sequences.inputs.reshape(n_sequences, -1)
    rows = np.column_stack([inputs, np.nan_to_num(sequences.targets), np.ones(n_sequences)])
    if n_sequences <= rows.shape[1]:
        return sequences
    _, first, group, sizes = np.unique(
        sequences.has_target, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    factors = []
    for members in np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(sizes)[:-1]):
        check_interruption()
        factors.append(np.linalg.qr(rows[members], mode="r"))
    lengths = [len(factor) for factor in factors]
    inputs, targets, ones = np.split(np.concatenate(factors), [-n_steps - 1, -1], axis=1)
    originals = sequences[np.repeat(first, lengths)]
    impulse = originals.sources[..., originals.columns.starts]
    if not has_own_starts:  # the direction of a separate start is that of the impulse
        impulse = impulse * ones[:, None]
    constant = originals.sources[..., originals.columns.offset]
    if not has_own_offsets:
        constant = constant * ones[:, None]
    baselines = originals.sources[..., originals.columns.baselines] * ones[:, None]
    sources = [impulse, inputs.reshape(originals.inputs.shape), constant, baselines]
    return Sequences(
        np.concatenate(sources, axis=2),
        np.where(originals.has_target, targets, np.nan),
        np.repeat(sizes / lengths, lengths),
        originals.columns,
    )
