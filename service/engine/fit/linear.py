"""Linear least-squares problems with one matrix per w_rec, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones. The slopes are the imaginary parts of columns
that are computed at w + ih (W. Squire and G. Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40 (1998), 110-112).
"""

from typing import Final

import numpy as np

from service.engine.fit.problem import Problem
from service.engine.fit.sequences import spread
from service.engine.types import Array

IMAGINARY_STEP: Final = 1e-100  # its square is a rounding error, and products with powers are none
# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13
EXPLAINED_RTOL: Final = 1e-9  # a slope of which less is left is explained by the columns
RIDGE: Final = 1e-9  # far above rounding errors, and its square far below


class Rows:
    """The columns of a problem at its targets, and their slopes, at W values of w_rec.

    A row is whitened together with the row before it. Rows that need no order are those of the
    compressed sequences. Unless these have starts of their own, the factor R of a QR decomposition
    replaces all rows with equal gaps, whatever rho is. Starts of single sequences come first, and
    do not count among the K columns.

    Parameters
    ----------
    problem
        In whose units the rows are.
    w : (W,)
    has_order
        Whether there is a row per target, in the order of the data.

    Attributes
    ----------
    values : (W, n, K + 1)
        The columns and the rest of the targets; K + 2 with starts of single sequences.
    sizes : (W, K)
        The norms of the columns.
    """

    def __init__(self, problem: Problem, w: Array, *, has_order: bool = False) -> None:
        self.sequences = problem.sequences if has_order else problem.compressed
        self.has_own_starts, gaps = problem.has_own_starts, self.sequences.gaps
        rows = problem.make_rows(w + IMAGINARY_STEP * 1j, self.sequences)
        self.values = rows.real
        columns = self.values[..., int(self.has_own_starts) : -1]
        peaks = np.abs(columns).max(axis=1, keepdims=True)
        peaks[peaks == 0.0] = 1.0
        norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
        self.sizes = np.where(norms > 0.0, norms, 1.0)
        rows = np.concatenate([rows.real, rows.imag / IMAGINARY_STEP], axis=2)
        before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
        # Gaps, and the rows after them and before them
        self._parts: list[tuple[Array | float, Array, Array]] = []
        if has_order or self.has_own_starts:
            self._parts.append((gaps[:, None], rows, before))
            return
        if problem.options.noise == "white":
            gaps = np.full(len(gaps), np.inf)
        for gap in np.unique(gaps):
            pairs = rows[:, gaps == gap]
            if np.isfinite(gap):
                pairs = np.concatenate([pairs, before[:, gaps == gap]], axis=2)
            if pairs.shape[1] > pairs.shape[2]:
                pairs = np.asarray(np.linalg.qr(pairs, mode="r"))
            after, former = np.split(pairs, [rows.shape[2]], axis=2)
            self._parts.append((gap, after, former if np.isfinite(gap) else np.zeros((1, 1, 1))))

    def whiten(self, rho: Array, stop: int | None = None) -> Array:
        """Return the columns, the rest of the targets, and the slopes of all, whitened.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each w_rec.
        stop
            How many of them to return; all by default.

        Returns
        -------
        columns : (W, R, M, stop)
        """
        r = rho[..., None, None]
        parts = [
            (rows[:, None, :, :stop] - r**gap * before[:, None, :, :stop]) / spread(r, gap)
            for gap, rows, before in self._parts
        ]
        return np.concatenate(parts, axis=2)

    def explain_by_starts(self, columns: Array) -> tuple[Array, Array]:
        """Return what the starts of single sequences explain.

        Parameters
        ----------
        columns : (..., n, m + 1)
            The starts, then others.

        Returns
        -------
        shares : (..., N, m)
            The multiples of the starts that are closest to the others, for every sequence.
        log_determinants : (...)
            Of the starts.
        """
        shares, squares = self.sequences.find_shares(columns[..., :1], columns[..., 1:])
        return shares, np.log(squares[..., 0]) @ self.sequences.multiplicity

    def remove_starts(self, columns: Array, shares: Array) -> Array:
        """Return the columns without the starts of single sequences.

        Parameters
        ----------
        columns : (..., n, m + 1)
            The starts, then others.
        shares : (..., N, m)
            The multiples of the starts to subtract.

        Returns
        -------
        others : (..., n, m)
        """
        member = self.sequences.sequence
        return np.asarray(columns[..., 1:] - columns[..., :1] * shares[..., member, :])

    def reduce(self, rho: Array) -> tuple[Array, Array]:
        """Return sums of squares and log determinants, faster and less accurately than `Linear`.

        A small ridge keeps columns apart that are nearly collinear.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each w_rec.

        Returns
        -------
        squares : (W, R)
        log_determinants : (W, R)
        """
        columns, starts_log = self.whiten(rho, self.values.shape[2]), np.zeros(rho.shape)
        if self.has_own_starts:
            shares, starts_log = self.explain_by_starts(columns)
            columns = self.remove_starts(columns, shares)
        columns[..., :-1] /= self.sizes[:, None, None]
        n = self.sizes.shape[1]
        ridge = np.broadcast_to(RIDGE * np.eye(n, n + 1), (*rho.shape, n, n + 1))
        factor = np.linalg.qr(np.concatenate([columns, ridge], axis=2), mode="r")
        squares = np.diagonal(factor, axis1=2, axis2=3) ** 2
        return squares[..., n], np.sum(np.log(squares[..., :n]), axis=2) + starts_log


class Linear:
    """A linear least-squares problem solved at W points; M whitened rows, and K columns.

    Parameters
    ----------
    rows
        The columns at W points.
    rho : (W,)
        The autocorrelation of the noise at each.

    Attributes
    ----------
    squares, raw_squares : (W,)
        The sum of squared residuals, and that before whitening.
    theta : (W, K + 1)
        The weights of the columns, then -1: its product with a row of the columns and the rest of
        a target is minus the residual.
    drift : (W, K)
        Minus the slope of theta.
    inverse_factor : (W, K, K)
        F F' is the inverse of A'A for the columns A.
    null_space : (W, K, K)
        Directions of theta that the targets do not determine.
    sensitivity : (W,)
        The norm of the part of the slope of the predictions that no column explains.
    singular_values : (W, K)
        Of the columns, scaled to a norm of at most 1.
    squares_slope, log_determinant, log_determinant_slope : (W,)
        The determinant is that of A'A for the scaled columns and the starts of single sequences.
    basis : (W, M, K)
        Of what the columns span, with zeros in place of the rest.
    starts : (W, M, 1)
        The whitened starts of single sequences, if there are such.
    residuals, free : (W, M, 1)
        Minus the residuals, and the vector of the sensitivity.
    """

    @np.errstate(over="ignore", invalid="ignore")  # far from the optimum
    def __init__(self, rows: Rows, rho: Array) -> None:
        values, slopes = np.split(rows.whiten(rho[:, None])[:, 0], 2, axis=2)
        raw = rows.values
        self.log_determinant, self.log_determinant_slope = np.zeros((2, len(rho)))
        if rows.has_own_starts:
            self.starts = values[..., :1]
            shares, self.log_determinant = rows.explain_by_starts(values)
            start_slopes, _ = rows.sequences.find_shares(self.starts, slopes[..., :1])
            self.log_determinant_slope = 2.0 * start_slopes[..., 0] @ rows.sequences.multiplicity
            raw, values, slopes = (
                rows.remove_starts(each, shares) for each in (raw, values, slopes)
            )
            slopes = rows.sequences.remove_starts(self.starts, slopes)
        left, s, right = np.linalg.svd(values[..., :-1] / rows.sizes[:, None], full_matrices=False)
        is_sound, self.singular_values = s > RANK_RTOL, s
        right = np.swapaxes(right, 1, 2) / rows.sizes[..., None]
        self.null_space = right * ~is_sound[:, None]
        inverse = right * np.divide(1.0, s, out=np.zeros_like(s), where=is_sound)[:, None]
        self.basis, self.inverse_factor = left * is_sound[:, None], inverse
        transposed = np.swapaxes(self.basis, 1, 2)
        weights = inverse @ (transposed @ values[..., -1:])
        theta = np.concatenate([weights, np.full((len(rho), 1, 1), -1.0)], axis=1)
        self.theta, self.residuals, change = theta[..., 0], values @ theta, slopes @ theta
        explained = transposed @ change
        self.drift = (inverse @ explained)[..., 0]
        self.free = change - self.basis @ explained
        norms = [np.linalg.norm(each, axis=1, keepdims=True) for each in (self.free, change)]
        self.free *= norms[0] > EXPLAINED_RTOL * norms[1]
        self.sensitivity = np.linalg.norm(self.free, axis=(1, 2))
        self.squares = np.sum(self.residuals**2, axis=(1, 2))
        self.squares_slope = 2.0 * np.sum(self.residuals * change, axis=(1, 2))
        self.raw_squares = np.sum((raw @ theta) ** 2, axis=(1, 2))
        rotation = transposed @ slopes[..., :-1] @ inverse
        self.log_determinant_slope += 2.0 * np.trace(rotation, axis1=1, axis2=2)
        self.log_determinant += 2.0 * np.sum(np.log(np.where(is_sound, s, 1.0)), axis=1)
