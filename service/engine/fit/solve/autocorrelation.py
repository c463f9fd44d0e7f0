"""Sums of squares for any autocorrelation rho of the noise, from products that do not depend on it.

Let Z contain an orthonormal basis of the columns, and the residuals of the solution with white
noise. The products of the whitened Z are sums over all gaps g between two targets,

    Z' V⁻¹ Z = sum over g of (A_g - rho^g B_g + rho^(2g) D_g) / s_g²,

where A_g contains the products of the rows after such a gap, D_g those of the rows before it, and
B_g those of both. They keep their digits, since only the whitening makes the columns correlate.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.model import Sequences
from service.engine.fit.solve.linear import Linear
from service.engine.types import Array


class Reduction(NamedTuple):
    """The products of the columns and the residuals at W places: all A_g, then all B_g and D_g.

    Those of the columns of single sequences with all others are separate for each sequence.
    """

    gaps: Array  # (G,)
    multiplicity: Array  # (N,)
    squares: Array  # (W,), with white noise
    of_columns: Array  # (W, 3 G, m, m)
    of_own: Array | None  # (W, 3 G, N, K, K + m); None without such

    def evaluate(self, rho: Array) -> tuple[Array, Array]:
        """Return sums of squared residuals, and log determinants relative to white noise.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each place.

        Returns
        -------
        squares : (W, R)
            The sums of squared whitened residuals.
        log_determinants : (W, R)
            Of A'A for the whitened columns and own ones, up to a constant of each place.
        """
        powers = rho[..., None] ** self.gaps
        weights = (1.0 - rho[..., None] ** 2) / (1.0 - powers**2)
        parts = np.concatenate([weights, -powers * weights, powers**2 * weights], axis=2)
        total = _combine(parts, self.of_columns)
        log_determinants = np.zeros(rho.shape)
        if self.of_own is not None:
            own = _combine(parts, self.of_own)
            total, log_determinants = self._eliminate(total, own)
        is_empty = np.diagonal(total, axis1=2, axis2=3) == 0.0  # explained by the other columns
        total = total + is_empty[..., None] * np.eye(total.shape[3])
        _, of_columns = np.linalg.slogdet(total[..., :-1, :-1])
        _, of_all = np.linalg.slogdet(total)
        squares = self.squares[:, None] * np.exp(of_all - of_columns)
        return squares, log_determinants + of_columns

    def _eliminate(self, total: Array, own: Array) -> tuple[Array, Array]:
        """Return the products without what own columns explain, and the log determinants."""
        log_determinants = np.zeros(total.shape[:2])
        n_own = own.shape[3]
        for k in range(n_own):
            row = own[..., k, :]
            pivots = np.where(row[..., k] > 0.0, row[..., k], 1.0)
            others = row[..., n_own:] / np.sqrt(pivots)[..., None]
            total = total - np.swapaxes(others, 2, 3) @ others
            log_determinants = log_determinants + np.log(pivots) @ self.multiplicity
            shares = own[..., k] / pivots[..., None]
            own = own - shares[..., None] * row[..., None, :]
        return total, log_determinants


def _combine(parts: Array, products: Array) -> Array:
    """Return sums (W, R, ...) of products (W, 3 G, ...) with factors (W, R, 3 G)."""
    sums = parts @ products.reshape(*products.shape[:2], -1)
    return np.asarray(sums.reshape(*parts.shape[:2], *products.shape[2:]))


def reduce(sequences: Sequences, white: Linear, is_exact: NDArray[np.bool_]) -> Reduction:
    """Return the products from which sums of squares for any rho follow.

    Parameters
    ----------
    sequences
        With the targets of the rows.
    white
        The solution with white noise, at W places.
    is_exact : (W,)
        True where the residuals are rounding errors.

    Returns
    -------
    Reduction
        At W places.
    """
    norms = np.where(is_exact, np.inf, np.sqrt(white.squares))
    residuals = white.residuals / norms[:, None, None]
    columns = np.swapaxes(np.concatenate([white.basis, residuals], axis=2), 1, 2)
    gaps, _ = sequences.gap_counts
    of_own = None
    if white.own.size > 0:
        own = np.swapaxes(white.own, 1, 2)
        every = np.concatenate([own, columns], axis=1)
        sum_products = partial(_sum_products_of_sequences, sequences)
        of_own = _multiply(sequences, every, own.shape[1], sum_products)
    of_columns = _multiply(sequences, columns, columns.shape[1], _sum_products)
    return Reduction(gaps, sequences.multiplicity, white.squares, of_columns, of_own)


def _multiply(
    sequences: Sequences,
    columns: Array,
    n_left: int,
    sum_products: Callable[[NDArray[np.intp], Array, Array], Array],
) -> Array:
    """Return sums of products of the first columns (W, m, M) with all of them.

    They are those after each gap, of both its sides, and before it.
    """
    of_after = []
    of_both = []
    of_before = []
    for gap in sequences.gap_counts[0].tolist():
        rows = np.flatnonzero(sequences.gaps == gap)
        after = np.take(columns, rows, axis=2)
        before = np.take(columns, np.maximum(rows - 1, 0), axis=2)
        call = partial(sum_products, rows)
        of_after.append(call(after[:, :n_left], after))
        of_both.append(call(after[:, :n_left], before) + call(before[:, :n_left], after))
        of_before.append(call(before[:, :n_left], before))
    return np.stack([*of_after, *of_both, *of_before], axis=1)


def _sum_products(_: NDArray[np.intp], left: Array, right: Array) -> Array:
    """Return the sums of products (W, k, m) of all rows of columns (W, k, M) and (W, m, M)."""
    return np.asarray(left @ np.swapaxes(right, 1, 2))


def _sum_products_of_sequences(
    sequences: Sequences, rows: NDArray[np.intp], left: Array, right: Array
) -> Array:
    """Return the sums (W, N, k, m) for each sequence of products at some of its targets."""
    owners = sequences.sequence[rows]
    edges = np.flatnonzero(np.diff(owners, prepend=-1))
    sums = np.zeros((len(left), len(sequences.targets), left.shape[1], right.shape[1]))
    for k in range(left.shape[1]):
        of_sequences = np.add.reduceat(left[:, [k]] * right, edges, axis=2)
        sums[:, owners[edges], k] = np.swapaxes(of_sequences, 1, 2)
    return sums
