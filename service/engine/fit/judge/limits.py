"""Targets at a limit, as of a sensor that is clipped."""

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding
from service.engine.fit.solve import Solution, find_fitted


def find_clipped(solution: Solution) -> list[Finding]:
    """Find targets that equal the largest or the smallest one, although the fitted values differ.

    Targets at rest, or that have settled, are no finding: their fitted values are equal, too.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    findings
        `clipped` for each extreme with many targets, with their share.
    """
    padded = solution.problem.padded
    targets = padded.targets[padded.has_target]
    values, counts = np.unique(targets, return_counts=True)
    findings = []
    for part, order in {"largest": slice(None, None, -1), "smallest": slice(None)}.items():
        at_limit, *others = counts[order][: 1 + constants.NEXT_VALUES].tolist() or [0]
        share = at_limit / max(len(targets), 1)
        is_many = at_limit >= constants.CLIPPED_TARGETS and share >= constants.CLIPPED_SHARE
        if is_many and at_limit > constants.CLIPPED_RATIO * max(others, default=at_limit):
            fitted = find_fitted(solution)[padded.has_target][targets == values[order][0]]
            if np.std(fitted) > constants.CLIPPED_SPREAD * np.std(targets):
                findings.append(Finding("clipped", value=share, part=part))
    return findings
