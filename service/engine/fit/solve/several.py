"""The search over several poles, and the profile of each.

The local minima of a grid of all poles are polished. Then each pole is held at every place of its
grid while the others are polished: with little noise, a valley of the criterion is narrower than
the gaps of a grid, and its floor shows minima that no place of the grid does. The points of these
floors are also the first ones of the profiles.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import invert, solve
from service.engine.fit import constants
from service.engine.fit.solve.criterion import Criterion, Points
from service.engine.fit.solve.scan import Scan, scan
from service.engine.interruption import stage
from service.engine.profile import Bounds, Profile, find_minima, search
from service.engine.types import Array


def polish(
    criterion: Criterion,
    poles: Array,
    bounds: tuple[Array, Array],
    rtol: float,
) -> Points:
    """Minimize the criterion from M places at once, by damped steps of quasi-Newton.

    The Hessian is that of Gauss and Newton plus a rest that the gradients show step by step.

    Parameters
    ----------
    criterion
        The criterion.
    poles : (M, K)
        The first places.
    bounds
        The lowest and the highest poles (M, K); equal ones hold a pole.
    rtol
        The decrease of the criterion, relative to its size, below which a place is a minimum.

    Returns
    -------
    Points
        M minima.

    References
    ----------
    D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", J. SIAM 11
    (1963), 431-441.
    J. E. Dennis, D. M. Gay and R. E. Welsch, "An adaptive nonlinear least-squares algorithm", ACM
    Transactions on Mathematical Software 7 (1981), 348-368, for the rest.
    """
    low, high = bounds
    at = criterion.evaluate(np.clip(poles, low, high))
    damping = np.full(len(poles), constants.FIRST_DAMPING)
    rest = np.zeros((*poles.shape, poles.shape[1]))
    active = np.arange(len(poles))
    for _ in range(constants.MAX_POLISH):
        now = at[active]
        ends = low[active], high[active]
        step, promise = _find_step(criterion, now, rest[active], damping[active], *ends)
        is_open = promise > rtol * (1.0 + np.abs(now.cost))
        is_open &= damping[active] < constants.LAST_DAMPING
        active = active[is_open]
        if not len(active):
            break
        now = now[is_open]
        new = criterion.evaluate(np.clip(now.poles + step[is_open], low[active], high[active]))
        is_better = new.cost <= now.cost
        updated = _update_rest(criterion, now, new, rest[active])
        rest[active] = np.where(is_better[:, None, None], updated, 0.0)
        for values, others in zip(vars(at).values(), vars(new).values(), strict=True):
            values[active[is_better]] = others[is_better]
        damping[active] *= np.where(is_better, constants.LESS_DAMPING, constants.MORE_DAMPING)
    return at


@np.errstate(over="ignore")  # of steps that the damping then shortens
def _find_step(
    criterion: Criterion, at: Points, rest: Array, damping: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """Return damped steps (M, K), and the decreases that they promise (M,).

    They are those of Gauss and Newton where the rest of the Hessian turns them upwards.
    """
    hessian = _approximate(criterion, at)
    is_held = (low == high) | ((at.poles <= low) & (at.gradient > 0.0))
    is_held |= (at.poles >= high) & (at.gradient < 0.0)
    gradient = np.where(is_held, 0.0, at.gradient)
    off = is_held[:, :, None] | is_held[:, None, :]
    sizes = np.diagonal(hessian, axis1=1, axis2=2)
    added = np.where(is_held, 1.0, (damping[:, None] + constants.RIDGE) * sizes + constants.TINY)
    diagonal = added[:, :, None] * np.eye(len(added[0]))
    whole = np.where(off, 0.0, hessian + rest) + diagonal
    is_bowl = (np.linalg.eigvalsh(whole) > 0.0).all(axis=1)[:, None, None]
    whole = np.where(is_bowl, whole, np.where(off, 0.0, hessian) + diagonal)
    step = -solve(whole, gradient[:, :, None])[..., 0]
    return step, -np.sum(gradient * step, axis=1)


def _approximate(criterion: Criterion, at: Points) -> Array:
    """Return the Hessian (M, K, K) of the criterion for residuals that are straight in w_rec."""
    squares = np.maximum(at.squares, criterion.rounding)[:, None, None]
    return 2.0 * criterion.n_contrasts * at.information / squares


@np.errstate(all="ignore")  # of steps of 0, and of infinite criteria, which have no update
def _update_rest(criterion: Criterion, old: Points, new: Points, rest: Array) -> Array:
    """Return the rest (M, K, K) of the Hessian, which a change of the gradient shows."""
    step = (new.poles - old.poles)[..., None]
    turn = (new.gradient - old.gradient)[..., None]
    missing = turn - _approximate(criterion, new) @ step
    known = np.abs(_multiply(step, rest @ step))
    rest = rest * np.minimum(
        np.abs(_multiply(step, missing)) / np.where(known > 0.0, known, 1.0), 1.0
    )
    missing = missing - rest @ step
    scale = _multiply(turn, step)
    side = missing @ np.swapaxes(turn, 1, 2) / scale
    updated = rest + side + np.swapaxes(side, 1, 2)
    updated -= _multiply(step, missing) / scale**2 * (turn @ np.swapaxes(turn, 1, 2))
    is_sound = np.isfinite(updated).all(axis=(1, 2), keepdims=True) & (scale > 0.0)
    return np.where(is_sound, updated, rest)


def _multiply(left: Array, right: Array) -> Array:
    """Return the products (M, 1, 1) of vectors (M, K, 1)."""
    return np.asarray(np.swapaxes(left, 1, 2) @ right)


@stage
def find_points(
    evaluate: Callable[[Array], Points],
    start: Points,
    interval: tuple[float, float],
    highest: float,
    atol: float,
    max_points: int | None,
) -> Points:
    """Return the points of `search`, as a stage of the fit."""
    return search(evaluate, start, interval, highest, atol, max_points).points


class PoleSearch:
    """All minima of the criterion over several poles, and the profile of each.

    Parameters
    ----------
    criterion
        The criterion of a problem with several states.
    best
        The lowest minimum, if it is known.
    """

    def __init__(self, criterion: Criterion, best: Points | None = None) -> None:
        self.criterion = criterion
        self.problem = criterion.problem
        self._given = best

    @cached_property
    def _scan(self) -> Scan:
        return scan(self.problem)

    @cached_property
    def coarse(self) -> Points:
        """The minima of the grid, lowest first, polished enough to compare models."""
        return self._polish(self._scan.find_minima(), constants.COARSE_RTOL)

    @cached_property
    def _floors(self) -> list[Points]:
        """The lowest criterion at each place of the grid of each pole."""
        return [self._find_floor(state) for state in range(self.problem.unknowns.n_states)]

    @stage
    def _find_floor(self, state: int) -> Points:
        return self._polish_others(state, self._scan.find_floor(state), constants.FLOOR_RTOL)

    @cached_property
    def minima(self) -> Points:
        """All minima, lowest first."""
        if self._given is not None:
            return self._given
        starts = [floor.poles[find_minima(floor)] for floor in self._floors]
        places = np.concatenate([self.coarse.poles, *starts])
        found = self._polish(places, constants.POLISH_RTOL)
        distances = np.abs(found.poles[:, None] - found.poles).max(axis=2)
        is_new = [bool((row[:i] > constants.EQUAL_POLES).all()) for i, row in enumerate(distances)]
        return found[np.flatnonzero(is_new)]

    @stage
    def _polish(self, poles: Array, rtol: float) -> Points:
        """Return the minima near some places, the highest pole of equal states first.

        A polish stalls near equal poles, where the slopes of the predictions coincide. It goes on
        from there with the poles equal, which their equal slopes keep so. That matters where the
        rest is next to nothing.
        """
        at = self._polish_in_range(poles, rtol)
        equal = self._average(at.poles)
        is_close = (equal != at.poles).any(axis=1)
        if is_close.any():
            polished = self._polish_in_range(equal[is_close], rtol)
            is_lower = polished.cost < (at.cost - at.accuracy)[is_close]
            at = at.concatenate(polished[is_lower])
        ordered = self._sort(at.poles)
        if (ordered != at.poles).any():
            at = self.criterion.evaluate(ordered)
        return at[np.argsort(at.cost)]

    def _polish_in_range(self, poles: Array, rtol: float) -> Points:
        low, high = (np.full(poles.shape, end) for end in self.problem.options.w_rec)
        return polish(self.criterion, poles, (low, high), rtol)

    def _average(self, poles: Array) -> Array:
        """Return poles (M, K), with the mean of those of equal states that almost coincide."""
        averaged = poles.copy()
        for mask in np.unique(self.problem.unknowns.acts, axis=0):
            members = np.flatnonzero((self.problem.unknowns.acts == mask).all(axis=1))
            own = poles[:, members]
            is_close = np.ptp(own, axis=1, keepdims=True) < constants.EQUAL_POLES
            averaged[:, members] = np.where(is_close, own.mean(axis=1, keepdims=True), own)
        return averaged

    def _sort(self, poles: Array) -> Array:
        """Return poles (M, K) of which those of states with the same inputs decrease."""
        ordered = poles.copy()
        for mask in np.unique(self.problem.unknowns.acts, axis=0):
            members = np.flatnonzero((self.problem.unknowns.acts == mask).all(axis=1))
            ordered[:, members] = -np.sort(-poles[:, members], axis=1)
        return ordered

    def _bound_others(self, state: int, poles: Array) -> tuple[Array, Array]:
        """Return the bounds (M, K) of poles if that of a state is held.

        Of states with the same inputs, the first has the highest pole: its place bounds the others.
        """
        acts = self.problem.unknowns.acts
        low, high = (np.full(poles.shape, end) for end in self.problem.options.w_rec)
        for other in np.flatnonzero((acts == acts[state]).all(axis=1)).tolist():
            if other >= state:
                high[:, other] = poles[:, state]
            if other <= state:
                low[:, other] = poles[:, state]
        return low, high

    def _polish_others(self, state: int, poles: Array, rtol: float) -> Points:
        """Return the lowest criteria near M places (M, K) with the pole of a state held."""
        low, high = self._bound_others(state, poles)
        w = poles[:, state]
        at = polish(self.criterion, poles, (low, high), rtol)
        # Poles that the held one bounds move with it.
        moves = (at.poles == w[:, None]) & ((low == w[:, None]) | (high == w[:, None]))
        slope = np.sum(np.where(moves, at.gradient, 0.0), axis=1)
        return replace(at, w=w, slope=slope)

    def _find_starts(self, state: int, known: Points, w: Array) -> Array:
        """Return places (W, K) near the profile, by interpolation of known points of it.

        Where these are on different branches, it is the better of both.
        """
        right = np.minimum(np.searchsorted(known.w, w), len(known.w) - 1)
        left = np.maximum(right - 1, 0)
        gaps = known.w[right] - known.w[left]
        part = np.zeros_like(w)
        np.divide(w - known.w[left], gaps, out=part, where=gaps > 0.0)
        ends = known.poles[left], known.poles[right]
        starts: Array = ends[0] + np.clip(part, 0.0, 1.0)[:, None] * (ends[1] - ends[0])
        is_far = np.abs(ends[1] - ends[0]).max(axis=1) > constants.SAME_BRANCH
        if is_far.any():
            both = np.stack([end[is_far] for end in ends])
            both[..., state] = w[is_far]
            both = np.clip(both, *self._bound_others(state, both[0]))
            costs = [self.criterion.evaluate(each).cost for each in both]
            starts[is_far] = both[np.argmin(costs, axis=0), np.arange(len(both[0]))]
        starts[:, state] = w
        return starts

    def follow(self, state: int, known: Points, rtol: float) -> Callable[[Array], Points]:
        """Return a function that returns the profile of a state at W values of its pole.

        Parameters
        ----------
        state
            The state.
        known
            Points of the profile, sorted by w, to which its results are added.
        rtol
            That of the polish.

        Returns
        -------
        function
            Of values (W,).
        """
        points = known

        def evaluate(w: Array) -> Points:
            nonlocal points
            at = self._polish_others(state, self._find_starts(state, points, w), rtol)
            points = points.merge(at)
            return at

        return evaluate

    def make_profile(self, state: int, height: float) -> Profile[Points]:
        """Return the profile of the pole of a state.

        Parameters
        ----------
        state
            The state.
        height
            Above the lowest criterion; extrema that are higher are not computed. If it is infinite,
            every w_rec belongs to the interval, and no extremum is.

        Returns
        -------
        Profile
            Of the criterion, minimized over all other poles.
        """
        minima = replace(
            self.minima, w=self.minima.poles[:, state], slope=np.zeros(len(self.minima.w))
        )
        known = minima if self._given is not None else minima.merge(self._floors[state])
        rtol = constants.PROFILE_RTOL
        atol = constants.PROFILE_ATOL
        highest = float(self.minima.cost[0]) + height
        interval = Bounds(*self.problem.options.w_rec)
        most = constants.POINTS_OF_FLOOR * len(known.w)
        if math.isfinite(height):
            evaluate = self.follow(state, known, rtol)
            known = find_points(evaluate, known, interval, highest, atol, most)
            known = self._lower(state, known, rtol)
        return Profile(self.follow(state, known, rtol), known, interval, atol, most)

    @stage
    def _lower(self, state: int, points: Points, rtol: float) -> Points:
        """Return W points of a profile, polished again where the poles of a neighbor are better.

        A polish that ended elsewhere leaves a point above the profile.
        """
        for _ in range(constants.MAX_LOWERED):
            targets, sources = _list_neighbors(points)
            neighbors = points.poles[sources]
            neighbors[:, state] = points.w[targets]
            neighbors = np.clip(neighbors, *self._bound_others(state, neighbors))
            is_better = np.zeros(len(targets), bool)
            if len(targets):
                costs = self.criterion.evaluate(neighbors).cost
                is_better = costs < (points.cost - points.accuracy)[targets]
            if not is_better.any():
                break
            at = self._polish_others(state, neighbors[is_better], rtol)
            at = at[np.lexsort((at.cost, at.w))]
            is_lower = np.ones(len(points.w), bool)
            is_lower[targets[is_better]] = False
            points = points[is_lower].merge(at)
        return points

    @stage
    def sample(
        self, intervals: list[list[Bounds]], level: float, profiles: list[Profile[Points]]
    ) -> Points:
        """Return points of the region in which the criterion is at most a level.

        Parameters
        ----------
        intervals
            Those of the pole of each state.
        level
            The level.
        profiles
            Those of the pole of each state, if they are known.

        Returns
        -------
        Points
            On the profile of each state, and on both sides of it in the direction of each pole.
        """
        best = self.minima[:1]
        fraction = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, constants.SLICES) * np.pi)
        sampled = [best]
        for state, pieces in enumerate(intervals):
            known = replace(best, w=best.poles[:, state])
            if profiles:
                known = profiles[state].points
            evaluate = self.follow(state, known, constants.FLOOR_RTOL)
            w = [low * (1.0 - fraction) + high * fraction for low, high in pieces]
            at = evaluate(np.concatenate(w))
            sampled += [at, self.criterion.evaluate(self._leave_profile(at, state, level))]
        found = best.concatenate(*sampled[1:])
        return found[found.cost <= level + constants.PROFILE_RTOL * (1.0 + abs(level))]

    def _leave_profile(self, at: Points, state: int, level: float) -> Array:
        """Return places (m, K) next to a profile, by the curvature of the criterion there."""
        squares = np.maximum(at.squares, self.criterion.rounding)
        excess = np.maximum(level - at.cost, 0.0) * squares / self.criterion.n_contrasts
        sizes = np.sqrt(np.diagonal(at.information, axis1=1, axis2=2))
        widths = np.sqrt(excess)[:, None] / np.maximum(sizes, constants.TINY)
        places = []
        for other in range(self.problem.unknowns.n_states):
            for part in constants.SLICE_PARTS if other != state else ():
                moved = at.poles.copy()
                moved[:, other] += part * widths[:, other]
                places.append(moved)
        return self._sort(np.clip(np.concatenate(places), *self.problem.options.w_rec))


def _list_neighbors(points: Points) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the points of a profile with neighbors in another valley, and these neighbors."""
    jumps = np.abs(np.diff(points.poles, axis=0)).max(axis=1, initial=0.0)
    left = np.flatnonzero(jumps > constants.STEEP * np.diff(points.w))
    return np.concatenate([left, left + 1]), np.concatenate([left + 1, left])


def find_sensitivities(at: Points) -> list[float]:
    """Return the norms of the slopes of the predictions that neither columns nor poles explain.

    Parameters
    ----------
    at
        A single point.

    Returns
    -------
    sensitivities
        One per state; 0 where a pole has no effect of its own.
    """
    norms = at.sensitivity[0]
    if len(norms) == 1:
        return [float(norms[0])]
    scale = np.maximum(norms, constants.TINY)
    correlations = at.information[0] / scale[:, None] / scale
    inverse = invert(correlations + constants.SCAN_RTOL * np.eye(len(norms)))
    sensitivities: list[float] = (norms / np.sqrt(np.diagonal(inverse))).tolist()
    return sensitivities
