"""The evidence that rules look at: a fit, with the other fits and the tests that judge it.

Better structures are searched first, because a wrong one makes every other test fail. Whether the
inputs have an effect is judged with the best structure. Then the residuals are checked, and finally
whether the noise is autocorrelated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.alone import Alone, find_alone
from service.engine.fit.judge.changes import divide, is_changed
from service.engine.fit.judge.differences import compare_sequences
from service.engine.fit.judge.effects import Effect, judge_effect, judge_effect_on_states
from service.engine.fit.judge.findings import SIGNS, Alternative, Family, Finding, Rule
from service.engine.fit.judge.joint_test import run_checks
from service.engine.fit.judge.larger import find_season, find_time_constants, is_larger_better
from service.engine.fit.judge.late_effects import find_late_effect
from service.engine.fit.judge.levels import find_levels, test_gains, test_levels
from service.engine.fit.judge.oscillation import find_oscillation
from service.engine.fit.judge.periods import list_periods
from service.engine.fit.judge.plausibility import coincide, is_drift
from service.engine.fit.judge.residuals import ResidualTests, find_dependence
from service.engine.fit.judge.structures import (
    find_alternatives,
    find_longest_delay,
    find_null_noise,
    try_delays,
)
from service.engine.fit.judge.trend import find_trend
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution, estimate_parameters, linearize, reweight


class Checked(NamedTuple):
    """The checks of the residuals."""

    solution: Solution  # the fit whose residuals were checked
    findings: list[Finding]
    last: list[Finding]  # those of the last fit that was checked, from which a remedy follows
    changes: Mapping[str, Any] = {}  # the options of that fit that differ


@dataclass(frozen=True, eq=False)
class Evidence:
    """A fit, with all that is known about it; everything is computed when first used.

    Attributes
    ----------
    solution
        The fit with the best delay.
    rules
        All rules, by their slugs.
    known_colored
        The same fit with ar1 noise, if it is known.
    known_structure
        Better structures and the effect of the inputs, if they are known.
    """

    solution: Solution
    rules: Mapping[str, Rule[Any]]
    known_colored: Solution | None = field(default=None, kw_only=True)
    known_structure: tuple[list[Alternative], Effect | None] | None = field(
        default=None, kw_only=True
    )

    @property
    def problem(self) -> FitProblem:
        """The data and the unknowns."""
        return self.solution.problem

    @cached_property
    def structures(self) -> list[Alternative]:
        """Clearly better structures, the best first."""
        structures, _ = self.structure
        return [weigh(other) for other in structures[:1]] + structures[1:]

    @property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        _, effect = self.structure
        return effect

    @cached_property
    def structure(self) -> tuple[list[Alternative], Effect | None]:
        """Clearly better structures, and the effect of the inputs in the best one."""
        if self.known_structure is not None:
            return self.known_structure
        if not self.solution.can_judge:
            return [], None
        if self._with_baseline is not None:
            return self._simpler, self._with_baseline.effect
        found = self._simpler
        effect = self._judge_effect(found)
        has_delay = any("delay" in each.options for each in found[:1])
        is_delayed = self.problem.unknowns.n_states == 1 and has_delay
        if is_delayed or (effect is not None and not effect.visible):
            late = find_late_effect(self.solution, self.colored)
            effect_of_late = self._judge_effect(late)
            if effect_of_late is not None and effect_of_late.visible and late:
                found = late
                effect = effect_of_late
        larger = self._larger
        if larger is None or larger.colored is None:
            return found, effect
        rivals = found[:1] or ([] if self.season is None else [self.season])
        options = [rival.options for rival in rivals]
        if not is_larger_better(larger.colored, options, self._delays):
            return found, effect
        return [larger], self._judge_effect_on_states(larger.colored)

    @cached_property
    def _simpler(self) -> list[Alternative]:
        """Clearly better structures that are not larger models.

        Levels that differ and a trend look like delays and autocorrelated noise, so they come
        first. For several states, others are searched only if there are signs of structure.
        """
        if self.known_structure is not None:
            return self.known_structure[0]
        if self._baseline is not None:
            return [self._baseline]
        signs = [check for check in self.checked.findings if self._is_sign(check)]
        if self.problem.unknowns.n_states > 1 and not signs:
            return []
        return find_alternatives(self.problem.vary(rest=False), self._delays)

    @cached_property
    def _levels(self) -> Alternative | None:
        """The fit with an offset, or then with gains, per sequence, if it is clearly better."""
        families = [self.rules[check.slug].family for check in self.checked.findings]
        return find_levels(self.problem.vary(rest=False), reduce(or_, families, Family(0)))

    @cached_property
    def _trend(self) -> Alternative | None:
        """The fit with a trend, if it is clearly better, for one state with findings."""
        if self.problem.unknowns.n_states > 1 or not self.checked.findings:
            return None
        return find_trend(self.problem.vary(rest=False), self._delays)

    @property
    def _baseline(self) -> Alternative | None:
        """The fit with levels, gains or a trend, if it is clearly better."""
        if self.known_structure is not None:
            return None
        return self._levels or self._trend

    @cached_property
    def _with_baseline(self) -> "Evidence | None":
        """The evidence of that fit, which may need gains or a trend as well."""
        better = self._baseline
        return None if better is None else Evidence(weigh(better).solution, self.rules)

    @cached_property
    def level_p(self) -> float:
        """The p-value of a common offset; nan unless each sequence has its own."""
        if not self.problem.unknowns.has_own_offsets or not self.solution.can_judge:
            return np.nan
        return test_levels(self.problem.vary(rest=False))

    @cached_property
    def gain_p(self) -> float:
        """The p-value of common gains; nan unless each sequence has its own."""
        if not self.problem.unknowns.has_own_gains or not self.solution.can_judge:
            return np.nan
        return test_gains(self.problem.vary(rest=False))

    @cached_property
    def _delays(self) -> dict[int, Solution]:
        """The fits with all delays that are tried, to the first targets."""
        problem = self.problem.vary(rest=False)
        first = shorten(problem, constants.ENOUGH_TARGETS)
        return try_delays(first, find_longest_delay(problem))

    @cached_property
    def _larger(self) -> Alternative | None:
        """The fit with more time constants, if it is clearly better than this one."""
        if self.known_structure is not None:
            return None
        problem = self.problem.vary(rest=False)
        colored = self.colored
        if self.problem.options.rest:
            colored = Solution(problem.vary(noise=find_null_noise(problem)))
        return find_time_constants(problem, colored)

    @cached_property
    def oscillation(self) -> Finding | None:
        """The finding that a response oscillates, where two time constants would be equal."""
        several = self.colored
        for best in self.structures[:1]:
            several = best.colored or best.solution
        has_two = several.problem.unknowns.n_states == 2 and not several.problem.options.gains
        can_compare = has_two and several.can_judge and not several.problem.options.is_given
        is_close = can_compare and coincide(several, constants.CLOSE)
        return find_oscillation(several) if is_close else None

    def _judge_effect(self, structures: list[Alternative]) -> Effect | None:
        """Return the effect of all inputs in the best structure."""
        if not len(self.problem.is_free):
            return None
        if self.problem.unknowns.n_states > 1:
            return self._judge_effect_on_states(self.colored)
        return judge_effect(structures[0].solution.problem if structures else self.problem)

    def _judge_effect_on_states(self, colored: Solution) -> Effect | None:
        """Return the effect of all inputs on several states."""
        can_judge = len(self.problem.is_free) > 0 and colored.degrees_of_freedom > 0
        return judge_effect_on_states(colored) if can_judge else None

    @property
    def without_effect(self) -> Solution:
        """The fit in which no effect of all inputs is detected."""
        noise = find_null_noise(self.problem)
        for other in self.structures[:1]:
            changed = other.solution.vary(noise=noise)
            if changed.degrees_of_freedom > 0:
                return changed
        return self.cautious

    @cached_property
    def alone(self) -> Alone:
        """The tests of single inputs where all together are not detected."""
        return find_alone(self.without_effect)

    @cached_property
    def colored(self) -> Solution:
        """The same fit with ar1 noise, unless the errors are stated to be independent."""
        if self.problem.options.noise != "white":
            return self.solution
        if self.known_colored is not None:
            return self.known_colored
        colored = self.solution.vary(noise="ar1")
        return reweight(colored) or colored

    @property
    def cautious(self) -> Solution:
        """The fit with ar1 noise, or the fit itself where there is no such."""
        is_usable = self.colored.degrees_of_freedom > 0 and not self.solution.is_exact
        return self.colored if is_usable else self.solution

    @property
    def judged(self) -> Solution:
        """The fit whose interval is judged: with few targets, the cautious one."""
        is_few = self.problem.n_targets < constants.FEW_TARGETS
        return self.cautious if is_few else self.solution

    @cached_property
    def residuals(self) -> ResidualTests:
        """Classical tests of the whitened residuals."""
        return find_dependence(self.solution)

    @cached_property
    def season(self) -> Alternative | None:
        """The fit with a season, if it is clearly better.

        It is searched if the checks detect one or compare too few steps for one, or if more time
        constants may imitate one.
        """
        if self._simpler or self.problem.options.season is not None:
            return None
        has_season = any(check.slug == "season" for check in self.checked.findings)
        is_long = max(list_periods(self.problem), default=0) > constants.MAX_SEASON
        if not (has_season or is_long or self._larger):
            return None
        return find_season(self.problem)

    @cached_property
    def checked(self) -> Checked:
        """The checks of the residuals: with ar1 noise if those of white noise are correlated."""
        solution = self.judged
        if not solution.can_judge:
            return Checked(solution, [], [])
        differences = compare_sequences(solution)
        findings = run_checks(solution, self.rules.values())
        if differences is not None:
            hidden = self.rules[differences.slug].hides
            findings = [differences, *(each for each in findings if each.slug not in hidden)]
        neighbors = [check for check in findings if check.slug == "neighbors"]
        is_alone = self.colored is self.solution or self.colored.degrees_of_freedom <= 0
        if not neighbors or is_alone or solution is self.colored:
            return Checked(solution, findings, findings)
        of_colored = run_checks(self.colored, self.rules.values())
        others = [each for each in of_colored if not self.rules[each.slug].family & Family.NOISE]
        return Checked(self.colored, [*others, *neighbors], of_colored, {"noise": "ar1"})

    @cached_property
    def parts(self) -> tuple[Solution, Solution] | None:
        """The fits before and after a change over the record, if an estimate changes by it."""
        solution = self.checked.solution
        for finding in self.checked.findings:
            if finding.slug == "changes" and finding.lag is not None:
                parts = divide(solution, finding.lag)
                return parts if is_changed(solution, parts) else None
        return None

    @cached_property
    def dependence(self) -> list[Finding]:
        """The finding of the Ljung-Box test, unless others state the same."""
        tests = self.residuals
        found = [*self.checked.findings]
        if self.oscillation is None:
            found += [other.finding for other in self.structures[:1]]
        if not self.structures and self.season is not None:
            found.append(self.season.finding)
        is_stated = any(self.rules[each.slug].family & SIGNS for each in found)
        if is_stated or not tests.ljung_box_p < constants.LJUNG_BOX_ALPHA:
            return []
        slug = "neighbors" if tests.autocorrelation > 0.0 else "alternate"
        return [Finding(slug, value=tests.autocorrelation, p=tests.ljung_box_p)]

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others; None where there is none to test.

        The intervals are those of the fit in which they are tested.
        """
        is_free = self.problem.is_free
        if self.effect is None:
            return [None] * len(is_free)
        judged = self.checked.solution
        if self.effect.visible:
            p_values = np.full(len(is_free), np.nan)
            p_values[is_free] = linearize(judged.criterion, judged.best).test_inputs()
            visible = p_values <= 1.0 - self.problem.options.confidence
        else:
            judged = self.without_effect
            p_values, visible, _ = self.alone
        if len(is_free) == 1:
            p_values[:] = self.effect.p
            visible[:] = self.effect.visible
        intervals = estimate_parameters(judged).w_in[:, 1:]
        effects = zip(visible.tolist(), p_values.tolist(), *intervals.T.tolist(), strict=True)
        return [Effect(*row) if free else None for row, free in zip(effects, is_free, strict=True)]

    @cached_property
    def is_drift(self) -> bool:
        """True if one of several states describes the drift of a level."""
        can_judge = self.solution.can_judge and self.colored.can_judge
        if self.problem.unknowns.n_states == 1 or not can_judge:
            return False
        single = Solution(self.colored.problem.vary(time_constants=1), is_coarse=True)
        return is_drift(single, self.colored)

    @cached_property
    def may_be_drift(self) -> bool:
        """True if start and level are known, and an effect only with independent errors."""
        if self.problem.has_unknown_start or self.problem.has_offset:
            return False
        problem = self.problem.vary(noise="independent")
        if problem.unknowns.n_states > 1:
            return judge_effect_on_states(Solution(problem)).visible
        effect = judge_effect(problem)
        return effect is not None and effect.visible

    def _is_sign(self, finding: Finding) -> bool:
        """Return True if a finding of the checks is a sign of structure in the residuals."""
        rule = self.rules[finding.slug]
        return rule.kind == "reason" and bool(rule.family & SIGNS)

    def list_slugs(self, family: Family) -> set[str]:
        """Return the slugs of the rules of some families."""
        return {rule.slug for rule in self.rules.values() if rule.family & family}

    def follow(self, other: Alternative) -> "Evidence":
        """Return the evidence of a fit with a recommended change."""
        if self._with_baseline is not None and self.structures[0].options is other.options:
            return self._with_baseline
        has_same_structure = {*other.options} <= {"noise", "variance"}
        known = self.structure if has_same_structure else None
        return Evidence(
            other.solution, self.rules, known_colored=other.colored, known_structure=known
        )

    def is_reason(self, finding: Finding) -> bool:
        """Return True if a finding invalidates the interval."""
        rule = self.rules[finding.slug]
        is_turned = rule.turns is not None and rule.turns(self, finding)
        return (rule.kind == "reason") != is_turned


def weigh(other: Alternative) -> Alternative:
    """Return an alternative with the sizes of errors of its own fit."""
    colored = None if other.colored is None else reweight(other.colored) or other.colored
    solution = reweight(other.solution) or other.solution
    return other._replace(solution=solution, colored=colored)
