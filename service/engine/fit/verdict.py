"""The verdict on a fit, in this order: structure, effect, residuals, noise.

Better structures are searched first, because a wrong one makes every other test fail.
Whether the inputs have an effect is judged with the best structure. Then the
residuals are checked, and finally whether the noise is autocorrelated.
"""

from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit import structures
from service.engine.fit.problem import MAX_CORRELATION
from service.engine.fit.residuals import CAUTIONS, Finding, Linearization, run_checks
from service.engine.fit.solution import Solution
from service.engine.fit.structures import Alternative, Effect
from service.engine.profile import Interval

ENOUGH_TARGETS: Final = 50  # with fewer targets, checks seldom detect dependent residuals
ENOUGH_PAIRS: Final = 10  # of successive targets, for checks that compare them
# With a larger condition number, the effects of single inputs are hardly told apart.
COLLINEAR: Final = 1e3
NOISE_CHECKS: Final = ("neighbors", "alternate")  # of which ar1 noise leaves nothing to say
AT_LIMIT: Final = 1e-6  # a correlation this close to its limit is at the limit


class Trust(NamedTuple):
    """Whether the interval of w_rec can be trusted."""

    interval: bool  # whether there are no reasons against it
    reasons: list[str]
    cautions: list[str]
    findings: list[Finding]  # the reasons, then the cautions
    cautious: list[Interval] | None  # the interval with ar1 noise; None without degrees of freedom


class Verdict(Solution):
    """A solution that is judged."""

    @cached_property
    def structures(self) -> list[Alternative]:
        """Clearly better structures, the best first."""
        return structures.find_alternatives(self.problem) if self.can_judge else []

    @cached_property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        if not len(self.problem.is_free) or not self.can_judge:
            return None
        best = self.structures[0].solution.problem if self.structures else self.problem
        return structures.judge_effect(best)

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others; None where there is none to test."""
        is_free = self.problem.is_free
        if self.effect is None or len(is_free) == 1:
            return [self.effect] * len(is_free)
        p = np.full(len(is_free), np.nan)
        p[is_free] = Linearization(self.judged, self.judged.best).test_inputs()
        # No single input is visible if all together are not.
        is_visible = self.effect.visible & (p <= structures.ALPHA)
        columns = is_free, is_visible.tolist(), p.tolist()
        return [
            Effect(*each) if is_tested else None for is_tested, *each in zip(*columns, strict=True)
        ]

    @cached_property
    def colored(self) -> Solution:
        """The same fit with ar1 noise."""
        return self if self.is_colored else Solution(self.problem.vary(noise="ar1"))

    @cached_property
    def _own_checks(self) -> list[Finding]:
        return run_checks(self) if self.can_judge else []

    @cached_property
    def judged(self) -> Solution:
        """The fit whose structure is checked: with ar1 noise if white noise is autocorrelated."""
        has_neighbors = any(check.slug == "neighbors" for check in self._own_checks)
        return self.colored if has_neighbors and self.colored.degrees_of_freedom > 0 else self

    @cached_property
    def _checks(self) -> list[Finding]:
        """What the checks of its residuals found."""
        return self._own_checks if self.judged is self else run_checks(self.judged)

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """What to change to get a clearly better fit, the best first."""
        if self.effect is not None and not self.effect.visible:
            return []
        has_reason = any(check.slug not in CAUTIONS for check in self._checks)
        if self.structures or self.judged is self or has_reason:
            return self.structures
        return [structures.describe(self.problem, np.nan, ("neighbors", {"noise": "ar1"}))]

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions, and the cautious interval."""
        checks = self._checks
        if self.judged is not self:
            checks = [check for check in checks if check.slug not in NOISE_CHECKS]
            checks += [check for check in self._own_checks if check.slug == "neighbors"]
        reasons = self._find_reasons()
        reasons += [check for check in checks if check.slug not in CAUTIONS]
        cautions = [Finding(slug) for slug, holds in self._list_cautions().items() if holds]
        cautions += [check for check in checks if check.slug in CAUTIONS]
        if self.can_judge and self.problem.n_pairs < ENOUGH_PAIRS:
            cautions.append(Finding("not_tested"))
        cautious = None
        if self.degrees_of_freedom > 0:
            use_colored = self.colored.degrees_of_freedom > 0 and not self.is_exact
            cautious = (self.colored if use_colored else self).intervals
        findings = reasons + cautions
        slugs = [finding.slug for finding in findings]
        n = len(reasons)
        return Trust(not reasons, slugs[:n], slugs[n:], findings, cautious)

    def _find_reasons(self) -> list[Finding]:
        """Return the reasons besides those of checks, in their order."""
        reasons = []
        if self.degrees_of_freedom <= 0:
            reasons.append(Finding("no_degrees_of_freedom"))
        reasons += [
            Finding(best.reason, None, best.options.get("delay"), best.gain)
            for best in self.structures[:1]
        ]
        if self.effect is not None and not self.effect.visible:
            reasons.append(Finding("no_visible_effect", p=self.effect.p))
        if not reasons and not self.is_identifiable:
            reasons.append(Finding("not_identifiable"))
        return reasons

    def _list_cautions(self) -> dict[str, bool]:
        """Return which cautions apply besides those of checks, in their order."""
        problem, (low, high) = self.problem, self.problem.options.w_rec
        correlation = self.rho**problem.sequences.usual_gap
        has_inputs, can_judge = len(problem.is_free) > 0, self.can_judge
        sizes = self.best.singular_values[0]
        return {
            "too_few_to_tell": problem.n_targets < ENOUGH_TARGETS,
            "interval_open": self.intervals[0].low <= low or self.intervals[-1].high >= high,
            "several_pieces": len(self.intervals) > 1,
            "search_limited": not self.profile.is_complete,
            "rho_at_limit": can_judge and correlation > MAX_CORRELATION - AT_LIMIT,
            "confounded_with_start": can_judge and has_inputs and self.effect is None,
            "nearly_collinear": sizes.max(initial=1.0) > COLLINEAR * sizes.min(initial=1.0),
            "negative_offset": self.has_impossible_offset,
        }
