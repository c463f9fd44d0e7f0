"""A fit in the space of whitened residuals, near its optimum.

There, a quantity deviates by a'e for the errors e. With g_i = a_i u_i / (1 - h_i) for the residuals
u and the leverages h, its variance is estimated

- by the sum of g_i² whatever the variances of single errors: the estimator HC3 of J. G. MacKinnon
  and H. White, "Some heteroskedasticity-consistent covariance matrix estimators", Journal of
  Econometrics 29 (1985), 305-325;
- by the mean square of the products of g with the first cosines if errors are correlated as well,
  with as many degrees of freedom as cosines: E. Lazarus, D. J. Lewis, J. H. Stock and M. W. Watson,
  "HAR inference: recommendations for practice", Journal of Business & Economic Statistics 36
  (2018), 541-559.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import invert
from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Sequences
from service.engine.fit.solve.criterion import Criterion, Points
from service.engine.fit.solve.linear import Linear, Rows, compute_rows, solve
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Linearization:
    """A fit in the space of whitened residuals, near one w_rec, in the units of the problem.

    Attributes
    ----------
    problem
        The data and the unknowns.
    degrees_of_freedom
        The number of targets minus that of unknowns.
    w_rec, rho
        The recurrent weight, and the autocorrelation of the noise over one step.
    rows
        Those of the problem, in the order of the data.
    fitted
        The linear problem with the noise of the fit.
    """

    problem: FitProblem
    degrees_of_freedom: int
    w_rec: float
    rho: float
    rows: Rows
    fitted: Linear

    @property
    def sequences(self) -> Sequences:
        """All sequences, in the units of the problem."""
        return self.problem.sequences

    @cached_property
    def observed(self) -> Array:
        """The whitened residuals (n, 1)."""
        return np.asarray(-self.fitted.residuals[0])

    @cached_property
    @np.errstate(over="ignore")  # without a sensitivity, all errors are infinite
    def slopes(self) -> tuple[Array, Array]:
        """Orthonormal slopes (n, K) of the predictions, and the same slopes (K, m) of theta.

        They are those with respect to the fitted poles, without what the m columns explain. Both
        are 0 for a pole that coincides with another one: the slopes of equal poles are equal.
        """
        directions = [np.zeros((len(self.observed), 0))]
        weights = [np.zeros((0, self.fitted.weight_slope.shape[2]))]
        for k in range(self.problem.n_poles):
            direction = self.fitted.unexplained[0, :, k : k + 1]
            weight = self.fitted.weight_slope[0, k : k + 1]
            size = sensitivity = float(self.fitted.sensitivity[0, k])
            for other, its_weight in zip(directions[1:], weights[1:], strict=True):
                product = float(np.sum(other * direction))
                if product != 0.0:  # the weights of directions of 0 are infinite
                    direction = direction - product * other
                    weight = weight - product * its_weight
                    size = float(np.linalg.norm(direction))
            if size < constants.COINCIDENT * sensitivity:
                direction = np.zeros_like(direction)
                weight = np.zeros_like(weight)
            directions.append(direction / max(size, constants.TINY))
            weights.append(weight / max(size, constants.TINY))
        return np.concatenate(directions, axis=1), np.concatenate(weights)

    @cached_property
    def _basis(self) -> Array:
        """An orthonormal basis (n, m + K) of the columns and of the slopes."""
        return np.concatenate([self.fitted.basis[0], self.slopes[0]], axis=1)

    def project(self, innovations: Array) -> Array:
        """Return the part of innovations that no unknown but rho explains.

        Parameters
        ----------
        innovations : (n, m)
            A row per target.

        Returns
        -------
        rest : (n, m)
            Of the same shape.
        """
        innovations = self.sequences.remove_own(self.fitted.own[0], innovations)
        result: Array = innovations - self._basis @ (self._basis.T @ innovations)
        return result

    def weigh(self, column: Array) -> float:
        """Return the weight of a further column, as the residuals show it.

        Parameters
        ----------
        column : (n, 1)
            Whitened.

        Returns
        -------
        float
            The weight.
        """
        rest = self.project(column)
        return float(np.sum(rest * self.observed) / max(np.sum(rest**2), constants.TINY))

    @cached_property
    def _rest(self) -> Array:
        """The part 1 - h (n,) of each target that no unknown explains, for the leverages h."""
        leverages = np.sum(self._basis**2, axis=1)
        for column in self.fitted.own[0].T[..., None]:
            _, squares = self.sequences.regress_on_own(column, column)
            leverages += (column**2 / squares[self.sequences.sequence])[:, 0]
        return np.maximum(1.0 - leverages, constants.LEAST_REST)

    @property
    def studentized(self) -> Array:
        """The residuals (n,), divided by the root of 1 - h."""
        return np.asarray(self.observed[:, 0] / np.sqrt(self._rest))

    @cached_property
    def _is_judged(self) -> NDArray[np.bool_]:
        """The targets (n,) whose residuals show their errors.

        A first target that an initial state explains has next to no residual.
        """
        is_explained = self.sequences.is_first & (self._rest < constants.LEAST_FIRST_REST)
        return ~(is_explained & self.problem.has_unknown_start)

    @cached_property
    def _forms(self) -> tuple[Array, Array]:
        """The variances of the m + K directions of the basis, and robust ones (2, m + K, m + K).

        They are in units of the variance of the errors. The robust ones are those by HC3 and by
        cosines, the latter multiplied by the squared ratio of the quantiles.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        basis = self._basis[self._is_judged]
        influences = basis * (self.observed / self._rest[:, None])[self._is_judged]
        n = len(influences)
        n_cosines = constants.COSINES if n >= constants.MIN_CORRELATED else 0
        phases = np.outer(np.arange(1, n_cosines + 1), np.arange(n) + 0.5) * np.pi / max(n, 1)
        products = np.cos(phases) @ influences
        probability = 0.5 + 0.5 * self.problem.options.confidence
        ratio = stdtrit(constants.COSINES, probability) / stdtrit(
            self.degrees_of_freedom, probability
        )
        correlated = products.T @ products * (2.0 / constants.COSINES * ratio**2)
        variance = max(float(self.fitted.squares[0]) / self.degrees_of_freedom, constants.TINY)
        return basis.T @ basis, np.stack([influences.T @ influences, correlated]) / variance

    @cached_property
    def pole_factors(self) -> Array:
        """The deviations (K, m + K) of the poles per unit of each direction of the basis."""
        slopes = self.slopes[0]
        products = slopes.T @ self.fitted.unexplained[0, :, : slopes.shape[1]]
        inverse = invert(products)
        return np.pad(inverse, ((0, 0), (self.fitted.basis.shape[2], 0)))

    def find_ratios(self, factors: Array) -> Array:
        """Return the ratios of robust variances to those of equal and independent errors.

        Parameters
        ----------
        factors : (..., m + K)
            The deviations of quantities per unit of each direction of the basis.

        Returns
        -------
        ratios : (...)
            The largest of 1, that by HC3, and that by cosines, for intervals with the quantile of
            the fit.
        """
        equal, others = self._forms
        squares = np.sum((factors @ equal) * factors, axis=-1)
        robust = [np.sum((factors @ form) * factors, axis=-1) for form in others]
        ratios = np.ones_like(squares)
        is_judged = squares > constants.EXPLAINED_RTOL * np.sum(factors**2, axis=-1)
        np.divide(np.maximum(*robust), squares, out=ratios, where=is_judged)
        return np.maximum(ratios, 1.0)

    @np.errstate(over="ignore", invalid="ignore")  # without a sensitivity, errors are infinite
    def test_inputs(self) -> Array:
        """Return the p-value of each free input given all other unknowns, by a t or an F test.

        Returns
        -------
        p : (q,)
            Of the inputs without a given gain.
        """
        from scipy.special import fdtrc, stdtr  # noqa: PLC0415 - takes long to import

        if self.problem.unknowns.has_own_gains:
            return self._test_own_inputs()
        fitted = self.fitted
        nu = self.degrees_of_freedom
        factor = np.column_stack([fitted.inverse_factor[0], self.slopes[1].T])
        variance = float(fitted.squares[0]) / nu
        errors = np.linalg.norm(factor, axis=1) * math.sqrt(variance)
        ratios = np.ones_like(errors)
        if self.problem.options.variance == "free":
            ratios = self.find_ratios(factor)
        errors *= np.sqrt(ratios)
        hidden = np.linalg.norm(fitted.null_space[0], axis=1)
        is_hidden = hidden > constants.EXPLAINED_RTOL * hidden.max(initial=0.0)
        is_hidden |= ~np.isfinite(errors)
        errors[is_hidden] = np.inf
        theta = fitted.theta[0, self.problem.unknowns.linear_columns.unknowns]
        p_values = 2.0 * stdtr(nu, -np.abs(theta) / np.maximum(errors, constants.TINY))
        start = self.problem.unknowns.linear_columns.inputs.start
        result = []
        for i in np.flatnonzero(self.problem.is_free).tolist():
            columns = [start + place for place in self.problem.unknowns.columns_of_inputs[i]]
            p = float(np.max(p_values[columns]))
            if len(columns) > 1 and not is_hidden[columns].any():  # of several states
                rows = factor[columns] * np.sqrt(ratios[columns])[:, None]
                parts = invert(rows @ rows.T) @ theta[columns]
                ratio = float(theta[columns] @ parts) / (variance * len(columns))
                p = float(fdtrc(len(columns), nu, ratio))
            result.append(p)
        return np.array(result)

    def _test_own_inputs(self) -> Array:
        """Return the p-values (q,) of an effect of each free input on any sequence, by F tests."""
        from scipy.special import fdtrc  # noqa: PLC0415 - takes long to import

        nu = self.degrees_of_freedom
        white = self.sequences.whiten(self.rows.values[0], self.rho)
        n_own = self.problem.unknowns.n_own_columns
        order = self.problem.unknowns.columns
        slopes = self.slopes[0]
        squares = max(float(self.fitted.squares[0]), constants.TINY)
        p_values = []
        for column in range(n_own - order.n_inputs, n_own):
            others = np.delete(white[:, order.unknowns], column, axis=1)
            rows = np.column_stack([others, slopes, white[:, order.rest]])
            own = self.sequences.eliminate(rows, n_own - 1)
            *_, rest = np.linalg.qr(own.rest, mode="r")[-1]
            n = np.count_nonzero(self.sequences.sum(white[:, [column]] ** 2))
            ratio = max(float(rest**2) - squares, 0.0) / squares * nu / n
            p_values.append(float(fdtrc(n, nu, ratio)))
        return np.array(p_values)


def linearize(criterion: Criterion, at: Points) -> Linearization:
    """Return the linearization of a fit.

    Parameters
    ----------
    criterion
        The criterion of the fit.
    at
        One point.

    Returns
    -------
    Linearization
        With the rows in the order of the data.
    """
    rows = compute_rows(criterion.problem, at.poles, criterion.problem.sequences)
    fitted = solve(rows, at.rho)
    parameters = float(at.w[0]), float(at.rho[0])
    return Linearization(criterion.problem, criterion.degrees_of_freedom, *parameters, rows, fitted)
