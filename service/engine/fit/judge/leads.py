"""Inputs whose next values explain the residuals: they act a step early, or follow the target."""

from dataclasses import replace

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution


def explain_feedback(residuals: Residuals, finding: Finding) -> Finding:
    """Return a finding, with the size or the cause of a feedback.

    Parameters
    ----------
    residuals
        Those of the fit.
    finding
        Any; others than `feedback` are returned as they are.

    Returns
    -------
    Finding
        `leads` if the input acts a step before itself.
    """
    if finding.slug != "feedback" or finding.input is None or finding.lag is None:
        return finding
    problem = residuals.solution.problem
    is_rare = finding.p <= 1.0 / residuals.values.shape[1]
    gain = _judge_lead(problem, finding.input) if is_rare else 0.0
    if gain > constants.MIN_GAIN:
        return finding._replace(slug="leads", lag=1, value=gain)
    ratio = _compare_feedback(residuals, finding.input, finding.lag + problem.delay)
    return finding._replace(value=ratio)


def _judge_lead(problem: FitProblem, name: str) -> float:
    """Return the gain in twice the log-likelihood if an input acts a step before itself.

    Both fits have the same targets: those before the last step of each sequence. An input that
    responds to the target has no such gain, unless it has no effect of its own. It is 0 where the
    comparison is not possible.
    """
    problem = shorten(problem, constants.ENOUGH_TARGETS)
    series = problem.record
    if problem.unknowns.n_states > 1 or problem.fitted is not None or int(series.lengths.min()) < 2:
        return 0.0
    last = series.starts[1:] - 1
    if name not in series.input_names:  # a square, which follows its input
        place = problem.series.input_names.index(name) - len(series.input_names)
        name = problem.options.curves[place]
    column = series.input_names.index(name)
    earlier = series.inputs.copy()
    earlier[:-1, column] = series.inputs[1:, column]
    is_independent = problem.options.noise == "independent"
    options = replace(problem.options, noise="independent" if is_independent else "ar1")
    present, shifted = (
        FitProblem(
            replace(
                series,
                inputs=np.delete(inputs, last, axis=0),
                targets=np.delete(series.targets, last),
                lengths=series.lengths - 1,
            ),
            options,
            problem.delay,
        )
        for inputs in (series.inputs, earlier)
    )
    if present.n_targets <= present.n_unknowns:
        return 0.0
    before = Solution(present, has_profile=False).comparable
    return before.exceeds(Solution(shifted, has_profile=False).comparable)


def _compare_feedback(residuals: Residuals, name: str, lag: int) -> float:
    """Return the weight of an input so many steps later, divided by that of the input itself.

    It is 0 unless an effect of the input is detected.
    """
    linearization = residuals.linearization
    problem = linearization.problem
    place = problem.series.input_names.index(name)
    is_common = problem.unknowns.n_states == 1 and not problem.unknowns.has_own_gains
    if not is_common or not problem.is_free[place]:
        return 0.0
    free = int(np.count_nonzero(problem.is_free[:place]))
    if linearization.test_inputs()[free] > constants.EFFECT_ALPHA:
        return 0.0
    sequences = linearization.sequences
    later = np.pad(sequences.inputs[..., place], ((0, 0), (0, lag)))[:, lag:]
    column = later[sequences.has_target][:, None] / sequences.scales
    weight = linearization.weigh(sequences.whiten(column, linearization.rho))
    own = float(linearization.fitted.theta[0, problem.unknowns.linear_columns.inputs][free])
    return abs(weight) / max(abs(own), constants.TINY)
