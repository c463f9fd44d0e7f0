"""The verdict on a fit: structure, effect, residuals, noise, in this order.

Better structures are searched first, because a wrong one makes every other test fail. Whether the
inputs have an effect is judged with the best structure. Then the residuals are checked, and finally
whether the noise is autocorrelated. A change is recommended only if the fit with it has no reason
against it that the present fit has not, and does not recommend the way back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.alone import Alone, find_alone
from service.engine.fit.judge.checks import Finding, run_checks
from service.engine.fit.judge.differences import compare_sequences
from service.engine.fit.judge.effects import Effect, judge_effect, judge_effect_on_states
from service.engine.fit.judge.larger import find_season, find_time_constants, is_larger_better
from service.engine.fit.judge.late_effects import find_late_effect
from service.engine.fit.judge.levels import find_equal_levels, find_levels, test_gains, test_levels
from service.engine.fit.judge.limits import find_clipped
from service.engine.fit.judge.oscillation import find_oscillation
from service.engine.fit.judge.plausibility import coincide, find_turn, is_drift, may_be_drift
from service.engine.fit.judge.residuals import ResidualTests, find_dependence
from service.engine.fit.judge.structures import (
    Alternative,
    find_alternatives,
    find_longest_delay,
    find_null_noise,
    try_delays,
)
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution, estimate_parameters, linearize, reweight, settle
from service.engine.profile import Bounds


class Trust(NamedTuple):
    """The verdict on the interval of w_rec."""

    interval: bool  # true if there are no reasons against it
    reasons: list[str]
    cautions: list[str]
    findings: list[Finding]  # the reasons, then the cautions
    cautious: list[Bounds] | None  # the interval with ar1 noise; None without degrees of freedom


class _Judgment(NamedTuple):
    """The checks of the residuals."""

    solution: Solution  # the fit whose residuals were checked
    findings: list[Finding]
    advised: Alternative | None = None  # the change that removes a finding


@dataclass(frozen=True, eq=False)
class Verdict:
    """The verdict on a fit, whose properties are computed when first used.

    Attributes
    ----------
    solution
        The fit with the best delay.
    known_colored
        The same fit with ar1 noise, if it is known.
    known_structure
        Better structures and the effect of the inputs, if they are known.
    """

    solution: Solution
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
        structures, _ = self._structure
        return [_reweight(other) for other in structures[:1]] + structures[1:]

    @property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        _, effect = self._structure
        return effect

    @cached_property
    def _structure(self) -> tuple[list[Alternative], Effect | None]:
        """Clearly better structures, and the effect of the inputs in the best one."""
        if self.known_structure is not None:
            return self.known_structure
        if not self.solution.can_judge:
            return [], None
        found = self._simpler
        effect = self._judge_effect(found)
        if found and found[0] is self._levels:
            return found, effect
        has_delay = any("delay" in each.options for each in found[:1])
        is_delayed = self.problem.n_states == 1 and has_delay
        if is_delayed or (effect is not None and not effect.visible):
            late = find_late_effect(self.solution, self.colored)
            effect_of_late = self._judge_effect(late)
            if effect_of_late is not None and effect_of_late.visible and late:
                found = late
                effect = effect_of_late
        larger = self._larger
        if larger is None or larger.colored is None:
            return found, effect
        rivals = found[:1] or ([] if self._season is None else [self._season])
        options = [rival.options for rival in rivals]
        if not is_larger_better(larger.colored, options, self._delays):
            return found, effect
        return [larger], self._judge_effect_on_states(larger.colored)

    @cached_property
    def _simpler(self) -> list[Alternative]:
        """Clearly better structures that are not larger models.

        Levels that differ look like delays and autocorrelated noise, so they come first. For
        several states, others are searched only if the residuals show signs of structure.
        """
        if self.known_structure is not None:
            return self.known_structure[0]
        if self._levels is not None:
            return [self._levels]
        signs = {check.slug for check in self._checked.findings} & constants.SIGNS
        if self.problem.n_states > 1 and not signs:
            return []
        return find_alternatives(self.problem.vary(rest=False), self._delays)

    @cached_property
    def _levels(self) -> Alternative | None:
        """The fit with an offset, or then with gains, per sequence, if it is clearly better."""
        signs = {check.slug for check in self._checked.findings}
        return find_levels(self.problem.vary(rest=False), signs)

    @cached_property
    def level_p(self) -> float:
        """The p-value of a common offset; nan unless each sequence has its own."""
        if not self.problem.has_own_offsets or not self.solution.can_judge:
            return np.nan
        return test_levels(self.problem.vary(rest=False))

    @cached_property
    def gain_p(self) -> float:
        """The p-value of common gains; nan unless each sequence has its own."""
        if not self.problem.has_own_gains or not self.solution.can_judge:
            return np.nan
        return test_gains(self.problem.vary(rest=False))

    @cached_property
    def _equal_levels(self) -> Alternative | None:
        """The fit with one offset, if there are no reasons, and it is recommended."""
        if self.reasons:
            return None
        other = find_equal_levels(self.problem, self.level_p)
        return other if other is not None and self._is_sound(other) else None

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
    def _oscillation(self) -> Finding | None:
        """The finding that a response oscillates, where two time constants would be equal."""
        several = self.colored
        for best in self.structures[:1]:
            several = best.colored or best.solution
        has_two = several.problem.n_states == 2 and not several.problem.options.gains
        can_compare = has_two and several.can_judge and not several.problem.options.is_given
        is_close = can_compare and coincide(several, constants.CLOSE)
        return find_oscillation(several) if is_close else None

    def _judge_effect(self, structures: list[Alternative]) -> Effect | None:
        """Return the effect of all inputs in the best structure."""
        if not len(self.problem.is_free):
            return None
        if self.problem.n_states > 1:
            return self._judge_effect_on_states(self.colored)
        return judge_effect(structures[0].solution.problem if structures else self.problem)

    def _judge_effect_on_states(self, colored: Solution) -> Effect | None:
        """Return the effect of all inputs on several states."""
        can_judge = len(self.problem.is_free) > 0 and colored.degrees_of_freedom > 0
        return judge_effect_on_states(colored) if can_judge else None

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others; None where there is none to test.

        The intervals are those of the fit in which they are tested.
        """
        is_free = self.problem.is_free
        if self.effect is None:
            return [None] * len(is_free)
        judged = self._judgment.solution
        if self.effect.visible:
            p_values = np.full(len(is_free), np.nan)
            p_values[is_free] = linearize(judged.criterion, judged.best).test_inputs()
            visible = p_values <= 1.0 - self.problem.options.confidence
        else:
            judged = self._without_effect
            p_values, visible, _ = self._alone
        if len(is_free) == 1:
            p_values[:] = self.effect.p
            visible[:] = self.effect.visible
        intervals = estimate_parameters(judged).w_in[:, 1:]
        effects = zip(visible.tolist(), p_values.tolist(), *intervals.T.tolist(), strict=True)
        return [Effect(*row) if free else None for row, free in zip(effects, is_free, strict=True)]

    @property
    def detected_inputs(self) -> list[str]:
        """The names of the inputs that are detected."""
        pairs = zip(self.problem.series.input_names, self.input_effects, strict=True)
        return [name for name, effect in pairs if effect is not None and effect.visible]

    @property
    def _without_effect(self) -> Solution:
        """The fit in which no effect of all inputs is detected."""
        noise = find_null_noise(self.problem)
        for other in self.structures[:1]:
            changed = other.solution.vary(noise=noise)
            if changed.degrees_of_freedom > 0:
                return changed
        return self._cautious

    @cached_property
    def _alone(self) -> Alone:
        """The tests of single inputs where all together are not detected."""
        return find_alone(self._without_effect)

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
    def _cautious(self) -> Solution:
        """The fit with ar1 noise, or the fit itself where there is no such."""
        is_usable = self.colored.degrees_of_freedom > 0 and not self.solution.is_exact
        return self.colored if is_usable else self.solution

    @property
    def judged(self) -> Solution:
        """The fit whose interval is judged: with few targets, the cautious one."""
        is_few = self.problem.n_targets < constants.FEW_TARGETS
        return self._cautious if is_few else self.solution

    @cached_property
    def residuals(self) -> ResidualTests:
        """Classical tests of the whitened residuals."""
        return find_dependence(self.solution)

    @cached_property
    def _season(self) -> Alternative | None:
        """The fit with a season, if it is clearly better.

        It is searched if the checks detect one, or if more time constants may imitate one.
        """
        has_season = any(check.slug == "season" for check in self._checked.findings)
        is_possible = not self._simpler and self.problem.options.season is None
        if not is_possible or not (has_season or self._larger):
            return None
        return find_season(self.problem)

    @property
    def _judgment(self) -> _Judgment:
        """The checks of the residuals, in which the period of a season is found."""
        judgment = self._checked
        season = self._season
        if self.structures or season is None:
            return judgment
        others = [check for check in judgment.findings if check.slug != "season"]
        return _Judgment(judgment.solution, [season.finding, *others], season)

    @cached_property
    def _checked(self) -> _Judgment:
        """The checks of the residuals: with ar1 noise if those of white noise are correlated."""
        solution = self.judged
        if not solution.can_judge:
            return _Judgment(solution, [])
        differences = compare_sequences(solution)
        findings = run_checks(solution)
        neighbors = [check for check in findings if check.slug == "neighbors"]
        is_alone = self.colored is self.solution or self.colored.degrees_of_freedom <= 0
        if differences is not None:  # curves may look like them
            others = [check for check in findings if check.slug not in constants.OF_DIFFERENCES]
            curved = [check for check in others if check.slug == "curved"]
            remedy = self._find_remedy(curved, {})
            return _Judgment(solution, [differences, *others], remedy)
        if not neighbors or is_alone or solution is self.colored:
            return _Judgment(solution, findings, self._find_remedy(findings, {}))
        of_colored = run_checks(self.colored)
        others = [check for check in of_colored if check.slug not in constants.NOISE_CHECKS]
        advised = self._find_remedy(of_colored, {"noise": "ar1"})
        if all(self._is_caution(check) for check in of_colored):
            advised = Alternative(neighbors[0], {"noise": "ar1"}, self.colored)
        return _Judgment(self.colored, others + neighbors, advised)

    def _is_caution(self, check: Finding) -> bool:
        """Return True if the finding of a check does not invalidate the interval."""
        is_free = self.problem.options.variance == "free"
        is_large = check.value >= constants.REASON_SIZES.get(check.slug, np.inf)
        is_caution = check.slug in constants.CAUTIONS and not is_large
        return is_caution or (is_free and check.slug == "spread")

    def _find_remedy(
        self, findings: list[Finding], changes: Mapping[str, Any]
    ) -> Alternative | None:
        """Return the fit that allows for a detected curve, or for errors of different sizes.

        The latter has further changes, and is recommended only if nothing else was detected.
        """
        reasons = [check for check in findings if not self._is_caution(check)]
        options: dict[str, Any] = {}
        for found in reasons:
            if found.slug == "curved":
                options = {"curves": (*self.problem.options.curves, found.input)}
            elif found.slug == "spread" and len(reasons) == 1:
                options = {**changes, "variance": "free"}
            if options:
                return Alternative(found, options, Solution(self.problem.vary(**options)))
        return None

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """The change that gives a clearly better fit, if one is recommended."""
        if self._oscillation is not None:
            return []
        advised = self._judgment.advised
        candidates = self.structures
        if self.effect is not None and not self.effect.visible:
            candidates = self._list_alone()
        elif not candidates and advised is not None:
            candidates = [_reweight(advised)]
        if not candidates and self._equal_levels is not None:
            return [self._equal_levels]
        return [other for other in candidates[:1] if self._is_sound(other)]

    def _list_alone(self) -> list[Alternative]:
        """Return the fit with the inputs that are detected by themselves, if there are any."""
        changes = self._alone.options
        if not changes:
            return []
        finding = next(each for each in self.reasons if each.slug == "no_visible_effect")
        for other in self.structures[:1]:
            changes = {**other.options, **changes}
        return [_reweight(Alternative(finding, changes, Solution(self.problem.vary(**changes))))]

    def _is_sound(self, other: Alternative) -> bool:
        """Return True if a change leads to no new reason, and not back.

        A wrong structure hides signs of further faults behind its own ones.
        """
        is_weighted = other.solution.problem.options.variance == "proportional"
        if is_weighted and settle(other.solution) is None:
            return False
        has_same_structure = {*other.options} <= {"noise", "variance"}
        known = self._structure if has_same_structure else None
        verdict = Verdict(other.solution, known_colored=other.colored, known_structure=known)
        for back in verdict.structures[:1]:
            if _leads_back(other.options, back.options, self.problem):
                return False
        known_reasons = {reason.slug for reason in self.reasons}
        known_reasons |= {each.reason for each in self.structures}
        is_structure = self.structures or other.reason == "season_advised"
        if is_structure and known_reasons & constants.SIGNS:
            known_reasons |= constants.SIGNS | constants.WITH_REMEDY
        if other.reason == "curved":  # a missing input also looks like a curve
            known_reasons &= constants.WITH_REMEDY
        return known_reasons >= {reason.slug for reason in verdict.reasons}

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions, and the cautious interval."""
        reasons = self.reasons
        cautions = [Finding(slug) for slug, applies in self._list_cautions().items() if applies]
        turn = find_turn(self.solution)
        cautions += self._found[1] if turn is None else [turn, *self._found[1]]
        cautions += [] if self._equal_levels is None else [self._equal_levels.finding]
        is_known = self.solution.degrees_of_freedom > 0
        return Trust(
            interval=not reasons,
            reasons=[reason.slug for reason in reasons],
            cautions=[caution.slug for caution in cautions],
            findings=reasons + cautions,
            cautious=self._cautious.intervals if is_known else None,
        )

    @property
    def reasons(self) -> list[Finding]:
        """The reasons not to trust the interval, in their order."""
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[list[Finding], list[Finding]]:
        """The reasons, and the cautions of checks."""
        checks = [*find_clipped(self.solution), *self._judgment.findings]
        reasons = self._find_reasons()
        reasons += [check for check in checks if not self._is_caution(check)]
        cautions = [check for check in checks if self._is_caution(check)]
        dependence = self._find_dependence({each.slug for each in reasons + cautions})
        if dependence is not None:
            is_reason = dependence.slug == "neighbors" and self.judged is self.solution
            (reasons if is_reason else cautions).append(dependence)
        return reasons, cautions

    def _find_dependence(self, found: set[str]) -> Finding | None:
        """Return the finding of the Ljung-Box test, unless checks state the same."""
        tests = self.residuals
        is_stated = found & constants.SIGNS or "alternate" in found
        if is_stated or not tests.ljung_box_p < constants.LJUNG_BOX_ALPHA:
            return None
        slug = "neighbors" if tests.autocorrelation > 0.0 else "alternate"
        return Finding(slug, value=tests.autocorrelation, p=tests.ljung_box_p)

    def _find_reasons(self) -> list[Finding]:
        """Return the reasons besides those of checks, in their order."""
        reasons = []
        if self.solution.degrees_of_freedom <= 0:
            reasons.append(Finding("no_degrees_of_freedom"))
        if self._oscillation is not None:
            reasons.append(self._oscillation)
        else:
            reasons += [best.finding for best in self.structures[:1]]
            reasons += [Finding("slow_as_drift")] if self._is_drift else []
        if self.effect is not None and not self.effect.visible:
            is_drift = not self._alone.is_detected.any() and self._may_be_drift()
            slug = "drift_or_effect" if is_drift else "no_visible_effect"
            reasons.append(Finding(slug, p=self.effect.p))
        if not reasons and not self.judged.is_identifiable:
            reasons.append(Finding("not_identifiable"))
        return reasons

    @cached_property
    def _is_drift(self) -> bool:
        """Return True if one of several states describes the drift of a level."""
        if self.problem.n_states == 1 or not self.colored.can_judge:
            return False
        single = Solution(self.colored.problem.vary(time_constants=1), is_coarse=True)
        return is_drift(single, self.colored)

    def _may_be_drift(self) -> bool:
        """Return True if start and level are known, and an effect only with independent errors."""
        if self.problem.has_unknown_start or self.problem.has_offset:
            return False
        problem = self.problem.vary(noise="independent")
        if problem.n_states > 1:
            return judge_effect_on_states(Solution(problem)).visible
        effect = judge_effect(problem)
        return effect is not None and effect.visible

    def _has_common_trend(self) -> bool:
        """Return True if an input has an effect, and none has with a straight line in the fit."""
        problem = self.colored.problem
        is_large = problem.n_targets > constants.ENOUGH_TARGETS or problem.n_states > 1
        if self.reasons or is_large or problem.options.trend:
            return False
        if not any(each is not None and each.visible for each in self.input_effects):
            return False
        with_line = Solution(problem.vary(trend=True))
        if not with_line.can_judge:
            return False
        p_values = linearize(with_line.criterion, with_line.best).test_inputs()
        return bool((p_values > constants.EFFECT_ALPHA).all())

    def _list_cautions(self) -> dict[str, bool]:
        """Return which cautions apply besides those of checks, in their order."""
        solution = self.judged
        problem = self.problem
        low, high = problem.options.w_rec
        correlation = solution.rho**problem.sequences.usual_gap
        has_inputs = len(problem.is_free) > 0
        is_confounded = has_inputs and self.effect is None and problem.has_unknown_start
        sizes = solution.best.singular_values[0]
        is_collinear = sizes.max(initial=1.0) > constants.MAX_CONDITION * sizes.min(initial=1.0)
        intervals = solution.intervals_of_states
        at_limit = correlation > constants.MAX_CORRELATION - constants.RHO_LIMIT_ATOL
        return {
            "too_few_to_tell": problem.n_targets < constants.FEW_TARGETS,
            "interval_open": low < high
            and any(pieces[0].low <= low or pieces[-1].high >= high for pieces in intervals),
            "several_pieces": any(len(pieces) > 1 for pieces in intervals),
            "search_limited": not all(profile.is_complete for profile in solution.profiles),
            "rho_at_limit": solution.can_judge and at_limit,
            "confounded_with_start": solution.can_judge and is_confounded,
            "nearly_collinear": is_collinear,
            "poles_coincide": coincide(solution, constants.COINCIDENT),
            "negative_offset": self.solution.has_impossible_offset,
            "common_trend": self._has_common_trend(),
            "slow_as_drift": not self._is_drift and may_be_drift(self.solution),
            "not_tested": solution.can_judge and problem.n_pairs < constants.MIN_PAIRS,
        }


def _reweight(other: Alternative) -> Alternative:
    """Return an alternative with the sizes of errors of its own fit."""
    colored = None if other.colored is None else reweight(other.colored) or other.colored
    solution = reweight(other.solution) or other.solution
    return other._replace(solution=solution, colored=colored)


def _leads_back(there: Mapping[str, Any], back: Mapping[str, Any], problem: FitProblem) -> bool:
    """Return True if a second change restores the options that the first one changes."""
    delays = {"delay": (problem.delay, problem.delay)}
    before = vars(problem.options) | delays
    return all(name in back and back[name] == before[name] for name in there)
