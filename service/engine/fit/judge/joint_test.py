"""The checks of the residuals of a fit together: one mechanism for all.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A violation is detected if the smallest of all p-values is small
among the smallest of the simulated vectors, which accounts for the number of checks.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Family, Finding, Joint, Rule
from service.engine.fit.judge.leads import explain_feedback
from service.engine.fit.judge.periods import find_special_steps
from service.engine.fit.judge.residuals import Residuals, simulate_residuals
from service.engine.fit.solve import Solution
from service.engine.types import Array


def run_checks(solution: Solution, rules: Iterable[Rule[Any]]) -> list[Finding]:
    """Return the violations that are detected.

    If the sizes of residuals depend on the fitted values, or may do so, the other checks are
    repeated with simulated residuals of the same sizes and with random signs.

    Parameters
    ----------
    solution
        A fit with residuals to judge.
    rules
        Those with a check.

    Returns
    -------
    findings
        With their p-values, in the order of the rules.
    """
    checks = [rule for rule in rules if rule.check is not None]
    residuals = simulate_residuals(solution)
    special = find_special_steps(residuals)
    found = _run(residuals, checks)
    is_free = solution.problem.options.variance == "free"
    if is_free or any(finding.slug == "spread" for finding in found):
        of_sizes = {rule.slug for rule in checks if rule.family & Family.SIZES}
        others = [rule for rule in checks if rule.slug not in of_sizes]
        kept = [finding for finding in found if finding.slug in of_sizes]
        found = _run(simulate_residuals(solution, has_random_signs=True), others) + kept
    has_season = any(finding.slug == "season" for finding in found)
    return found if has_season else found + special


def _run(residuals: Residuals, checks: list[Rule[Any]]) -> list[Finding]:
    """Return the violations that are detected with these simulated residuals."""
    results = {rule.slug: rule.check(residuals) for rule in checks if rule.check is not None}
    joint = {slug: each for slug, each in results.items() if isinstance(each, Joint)}
    p_values = {slug: _rank(each.statistics) for slug, each in joint.items()}
    if "neighbors" in p_values and not residuals.solution.is_colored:  # a fitted rho explains them
        p_values["neighbors"] = p_values["neighbors"] / constants.NEIGHBORS_WEIGHT
    cautions = {rule.slug for rule in checks if rule.kind == "caution"}
    critical = _find_critical([p for slug, p in p_values.items() if slug not in cautions])
    found = []
    for slug, each in joint.items():
        p = float(p_values[slug][0])
        if p <= (constants.CAUTION_ALPHA if slug in cautions else critical):
            found.append(explain_feedback(residuals, each.finding._replace(p=p)))
    alone = (each for each in results.values() if isinstance(each, list))
    return [*found, *chain.from_iterable(alone)]


def _rank(statistics: Array) -> Array:
    """Return the p-values (B + 1,): the fraction of all statistics that are at least as large."""
    return np.asarray(1.0 - np.searchsorted(np.sort(statistics), statistics) / len(statistics))


def _find_critical(p_values: list[Array]) -> float:
    """Return the largest p-value of a violation; -1 if all checks together detect none."""
    if not p_values:
        return -1.0
    least = np.min(p_values, axis=0)
    if float(np.mean(least <= least[0])) > constants.CHECK_ALPHA:
        return -1.0
    return float(np.quantile(least, constants.CHECK_ALPHA, method="lower"))
