"""The verdict on a fit, in this order: structure, effect, residuals, noise.

The best other structure is looked for first, because a wrong one makes every other test fail.
Whether the inputs have an effect is judged with the best structure. What remains in the residuals
is checked, and at last whether the noise is autocorrelated.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from service.engine.fit import effects
from service.engine.fit.alternatives import (
    Alternative,
    Structure,
    describe,
    find_structures,
    to_alternative,
)
from service.engine.fit.checks import Check, Linearization, run_checks
from service.engine.fit.effects import Effect
from service.engine.fit.noise import MAX_CORRELATION
from service.engine.fit.solution import Solution
from service.engine.profile import Interval

ENOUGH_TARGETS: Final = 50  # with fewer targets, checks seldom detect dependent residuals
ENOUGH_PAIRS: Final = 10  # of successive targets, for checks that compare them
# With a larger condition number, the effects of single inputs are hardly told apart.
COLLINEAR: Final = 1e3
AT_LIMIT: Final = 1e-6  # a correlation this close to its limit is at the limit

Reason: TypeAlias = Literal[
    "no_degrees_of_freedom",
    "delay_advised",
    "range_advised",
    "offset_advised",
    "no_visible_effect",
    "not_identifiable",
    "follow_inputs",
    "same_shape",
    "season",
    "noise_model_matters",
    "spread",
    "neighbors",
]
Caution: TypeAlias = Literal[
    "too_few_to_tell",
    "interval_open",
    "several_pieces",
    "rho_at_limit",
    "confounded_with_start",
    "nearly_collinear",
    "negative_offset",
    "feedback",
    "outliers",
    "alternate",
    "not_tested",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
CAUTIONS: Final[tuple[Caution, ...]] = get_args(Caution)
# A sentence and an advice for each of them.
TEXTS: Final = {
    "no_degrees_of_freedom": (
        "There are as many unknowns as targets, so nothing is left to judge the fit by.",
        "Add data, or fix the initial state or the offset.",
    ),
    "delay_advised": (
        "The inputs seem to act {shift} {word} than this fit assumes.",
        "Fit with a delay of {steps}.",
    ),
    "range_advised": (
        "A w_rec outside the range that was searched fits clearly better.",
        "Search w_rec from {low:g} to {high:g}.",
    ),
    "offset_advised": (
        "A constant level seems to be missing.",
        "Fit with an offset, unless the level must be 0.",
    ),
    "no_visible_effect": (
        "No effect of {inputs} on {target} is visible in these data.",
        "Do not use the numbers. Look for other inputs, or for more data.",
    ),
    "not_identifiable": (
        "The data do not exclude any w_rec of the range.",
        "Add data in which the inputs change more often.",
    ),
    "follow_inputs": (
        "The residuals follow {input} of {lag} before.",
        "Search a delay; if none helps, expect more than one time constant.",
    ),
    "same_shape": (
        "All sequences deviate from the fit in the same way after their start.",
        "Expect more than one time constant.",
    ),
    "season": (
        "Residuals that are {lag} apart resemble each other.",
        "Add a season or a calendar as an input.",
    ),
    "noise_model_matters": (
        "White and ar1 noise give different values of w_rec, so that the noise hides structure.",
        "Look for inputs that are missing, or expect more than one time constant.",
    ),
    "spread": (
        "The errors depend on the size of the fit (correlation {value:+.2f}).",
        "Fit logarithms or shares, or take the interval as a rough one.",
    ),
    "neighbors": (
        "Successive residuals resemble each other (correlation {value:+.2f}).",
        "Fit with ar1 noise.",
    ),
    "too_few_to_tell": (
        "{n_targets} targets are too few to detect most violations of the model.",
        "Read the cautious interval.",
    ),
    "interval_open": (
        "The interval reaches an end of the range that was searched.",
        "Search a wider range if other values of w_rec make sense.",
    ),
    "several_pieces": (
        "Separate ranges of w_rec fit nearly as well.",
        "Look at the profile; more data may exclude one of them.",
    ),
    "rho_at_limit": (
        "The noise drifts without end, so that the level is unknown.",
        "Read the fit as one of changes from target to target.",
    ),
    "confounded_with_start": (
        "The inputs explain no more than the initial state does.",
        "Fix the initial state, or add data from before the inputs change.",
    ),
    "nearly_collinear": (
        "Some effects are nearly the same, so that they are hard to tell apart.",
        "Leave out an input, or read the effects together.",
    ),
    "negative_offset": (
        "The offset is below 0 although all targets are positive.",
        "Fit without an offset if a level below 0 makes no sense.",
    ),
    "feedback": (
        "{input} follows the residuals {lag} later: it may react to {target}.",
        "Check whether {input} is set in response to {target}.",
    ),
    "outliers": (
        "Some targets are far from all others (up to {value:.1f} standard deviations).",
        "Look at the largest residuals.",
    ),
    "alternate": (
        "Successive residuals alternate (correlation {value:+.2f}).",
        "The interval is wider than needed.",
    ),
    "not_tested": (
        "Hardly any sequence has two targets, so that the residuals could not be tested.",
        "Rely on the interval only if the errors of the targets are independent.",
    ),
}


class Finding(NamedTuple):
    """What was found, and what to do about it."""

    slug: str
    sentence: str
    advice: str
    input: str | None = None
    lag: int | None = None  # in steps
    value: float = np.nan
    p: float = np.nan


@dataclass(frozen=True)
class Trust:
    """Whether the interval of w_rec can be trusted: it can unless there are reasons."""

    reasons: list[Reason]
    cautions: list[Caution]
    findings: list[Finding]  # for all reasons and cautions, in this order
    cautious: list[Interval] | None  # the interval with ar1 noise; None without degrees of freedom

    @property
    def interval(self) -> bool:
        """Whether there is no reason against the interval."""
        return not self.reasons


class Verdict:
    """The verdict on a solution."""

    def __init__(self, solution: Solution) -> None:
        self.solution, self.problem = solution, solution.problem
        self.can_judge = solution.degrees_of_freedom > 0 and not solution.is_exact

    @cached_property
    def structures(self) -> list[Structure]:
        """Clearly better structures, the best first, if an effect is visible with the best."""
        return find_structures(self.solution) if self.can_judge else []

    @cached_property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        if not len(self.problem.is_free) or not self.can_judge:
            return None
        best = self.structures[0].problem if self.structures else self.problem
        short = effects.shorten(best)
        result = effects.judge_effect(short)
        if result is not None and result.p > effects.ALPHA / 5 and short is not best:
            result = effects.judge_effect(best)
        return result

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others."""
        problem = self.problem
        if not self.can_judge or self.effect is None:
            return [None] * len(problem.is_free)
        p = iter(Linearization(self.solution).test_inputs().tolist())
        effects_of = [next(p) if is_free else None for is_free in problem.is_free]
        return [
            each if each is None else Effect(each <= effects.ALPHA, each) for each in effects_of
        ]

    @cached_property
    def is_visible(self) -> bool:
        """Whether no test denies an effect of the inputs."""
        return self.effect is None or self.effect.visible

    @cached_property
    def colored(self) -> Solution:
        """The same fit with ar1 noise."""
        if self.solution.is_colored:
            return self.solution
        return Solution(self.problem.vary(noise="ar1"))

    @cached_property
    def _own_checks(self) -> dict[str, Check]:
        return run_checks(self.solution) if self.can_judge else {}

    @cached_property
    def _is_colored(self) -> bool:
        """Whether the residuals of a white fit resemble their neighbors."""
        check = self._own_checks.get("neighbors")
        has_freedom = self.colored.degrees_of_freedom > 0
        return not self.solution.is_colored and has_freedom and check is not None and check.is_found

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The outcomes of the checks.

        If the noise of a white fit is autocorrelated, its structure is what an ar1 fit leaves.
        """
        if not self._is_colored:
            return self._own_checks
        left = run_checks(self.colored)
        left.pop("alternate", None)
        return left | {"neighbors": self._own_checks["neighbors"]}

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """What to change to get a clearly better fit, the best first."""
        if not self.is_visible:
            return []
        others = describe(self.structures)
        remaining = set(REASONS) & {slug for slug, check in self.checks.items() if check.is_found}
        if not others and self._is_colored and remaining == {"neighbors"}:
            left = run_checks(self.colored).get("neighbors")
            if left is None or not left.is_found:
                others.append(to_alternative("neighbors", {"noise": "ar1"}, self.colored))
        return others

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions and findings."""
        reasons = [slug for slug in REASONS if self._reasons().get(slug)]
        cautions = [slug for slug in CAUTIONS if self._cautions().get(slug)]
        findings = [self._describe(slug) for slug in [*reasons, *cautions]]
        has_freedom = self.solution.degrees_of_freedom > 0
        cautious = None
        if has_freedom:
            use_colored = self.colored.degrees_of_freedom > 0 and not self.solution.is_exact
            cautious = (self.colored if use_colored else self.solution).pieces
        return Trust(reasons, cautions, findings, cautious)

    def _reasons(self) -> dict[str, bool]:
        found = {slug: check.is_found for slug, check in self.checks.items()}
        best = self.structures[0].reason if self.structures else None
        is_identifiable = self.solution.is_identifiable
        return found | {
            "no_degrees_of_freedom": self.solution.degrees_of_freedom <= 0,
            **({best: True} if best else {}),
            "no_visible_effect": not self.is_visible,
            "not_identifiable": not is_identifiable and best is None and self.is_visible,
        }

    def _cautions(self) -> dict[str, bool]:
        solution, problem = self.solution, self.problem
        low, high = problem.options.w_rec
        correlation = solution.rho**solution.noise.usual_gap
        has_inputs = len(problem.is_free) > 0
        targets = problem.targets[~np.isnan(problem.targets)]
        found = {slug: check.is_found for slug, check in self.checks.items()}
        return found | {
            "too_few_to_tell": problem.n_targets < ENOUGH_TARGETS,
            "interval_open": solution.pieces[0].low <= low or solution.pieces[-1].high >= high,
            "several_pieces": len(solution.pieces) > 1,
            "rho_at_limit": self.can_judge and correlation > MAX_CORRELATION - AT_LIMIT,
            "confounded_with_start": self.can_judge and has_inputs and self.effect is None,
            "nearly_collinear": float(solution.best.condition[0]) > COLLINEAR,
            "negative_offset": solution.offset < 0.0 and bool((targets > 0.0).all()),
            "not_tested": self.can_judge and solution.noise.n_pairs < ENOUGH_PAIRS,
        }

    def _describe(self, slug: str) -> Finding:
        """Return the finding of a reason or a caution."""
        check, names = self.checks.get(slug), self.problem.series.input_names
        fields: dict[str, Any] = {
            "inputs": _join(names),
            "target": self.problem.series.target_name,
            "n_targets": self.problem.n_targets,
        }
        name, lag, value, p = None, None, np.nan, np.nan
        if slug == "no_visible_effect" and self.effect is not None:
            p = self.effect.p
        elif check is not None:
            name = None if check.input is None else names[check.input]
            lag, value, p = check.lag, check.value, check.p
            fields |= {"input": name, "value": value, "lag": _count(lag or 0)}
        elif self.structures and slug == self.structures[0].reason:
            options, value = self.structures[0].options, self.structures[0].gain
            if "delay" in options:
                lag = options["delay"]
                shift = lag - self.problem.delay
                word = "later" if shift > 0 else "earlier"
                fields |= {"shift": _count(abs(shift)), "word": word, "steps": _count(lag)}
            fields |= options.get("w_rec", {})
        sentence, advice = TEXTS[slug]
        return Finding(
            slug, sentence.format(**fields), advice.format(**fields), name, lag, value, p
        )


def _count(n: int) -> str:
    return f"{n} step{'' if n == 1 else 's'}"


def _join(names: tuple[str, ...]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
