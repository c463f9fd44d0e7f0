"""The verdict on a fit: the reasons not to trust its interval, cautions, and what is recommended.

A change is recommended only if the fit with it has no reason against it that the present fit has
not, and does not recommend the way back.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from service.engine.fit.judge.evidence import Evidence
from service.engine.fit.judge.findings import ERRORS, SIGNS, Alternative, Family, Finding, Rule
from service.engine.fit.judge.rules import RULES
from service.engine.fit.model import FitProblem
from service.engine.fit.solve import Solution, settle
from service.engine.profile import Bounds


class Trust(NamedTuple):
    """The verdict on the interval of w_rec."""

    interval: bool  # true if there are no reasons against it
    reasons: list[str]
    cautions: list[str]
    findings: list[Finding]  # the reasons, then the cautions
    cautious: list[Bounds] | None  # the interval with ar1 noise; None without degrees of freedom


class Verdict:
    """The verdict on a fit, computed when first used.

    Parameters
    ----------
    fit
        The fit, with the other fits and the tests that judge it, and the rules.
    """

    def __init__(self, fit: Evidence) -> None:
        self.fit = fit

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions, and the cautious interval."""
        fit = self.fit
        order = [*fit.rules]
        advised = {other.reason for other in self.alternatives}
        cautions = [
            each
            for each in sorted(self._all, key=lambda finding: order.index(finding.slug))
            if not fit.is_reason(each) and not (self._is_offer(each) and each.slug not in advised)
        ]
        is_known = fit.solution.degrees_of_freedom > 0
        return Trust(
            interval=not self.reasons,
            reasons=[reason.slug for reason in self.reasons],
            cautions=[caution.slug for caution in cautions],
            findings=self.reasons + cautions,
            cautious=fit.cautious.intervals if is_known else None,
        )

    @property
    def reasons(self) -> list[Finding]:
        """The reasons not to trust the interval, in the order of the rules."""
        return [each for each in self._found if self.fit.is_reason(each)]

    @cached_property
    def _found(self) -> list[Finding]:
        """The findings of the rules that may be reasons."""
        rules = (rule for rule in self.fit.rules.values() if "reason" in rule.kinds)
        return self._apply(rules, [])

    @cached_property
    def _all(self) -> list[Finding]:
        """The findings of all rules."""
        others = (rule for rule in self.fit.rules.values() if "reason" not in rule.kinds)
        return self._apply(others, self._found)

    def _is_offer(self, finding: Finding) -> bool:
        """Return True if a caution is one only because of its remedy."""
        rule = self.fit.rules[finding.slug]
        return rule.kinds == {"caution"} and rule.remedy is not None

    def _apply(self, rules: Iterable[Rule[Evidence]], known: list[Finding]) -> list[Finding]:
        """Return known findings, and those of some rules that these do not hide."""
        found = [*known]
        for rule in rules:
            is_hidden = any(rule.slug in self.fit.rules[each.slug].hides for each in found)
            is_late = rule.is_last and any(map(self.fit.is_reason, found))
            if not is_hidden and not is_late:
                found += self._find(rule)
        return found

    def _find(self, rule: Rule[Evidence]) -> list[Finding]:
        """Return the findings of a rule."""
        fit = self.fit
        found: bool | list[Finding] = [*fit.checked.findings, *fit.dependence]
        if rule.find is not None:
            found = rule.find(fit)
        if isinstance(found, bool):
            return [Finding(rule.slug)] if found else []
        return [each for each in found if each.slug == rule.slug]

    @property
    def detected_inputs(self) -> list[str]:
        """The names of the inputs that are detected."""
        fit = self.fit
        pairs = zip(fit.problem.series.input_names, fit.input_effects, strict=True)
        return [name for name, effect in pairs if effect is not None and effect.visible]

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """The change that gives a clearly better fit, if one is recommended."""
        fit = self.fit
        if fit.oscillation is not None:
            return []
        findings = self.reasons or [each for each in self._all if self._is_offer(each)]
        if fit.effect is not None and not fit.effect.visible:
            families = Family.EFFECT, Family.BASELINE
            findings = [
                each for of in families for each in findings if fit.rules[each.slug].family & of
            ]
        for finding in findings:
            remedy = fit.rules[finding.slug].remedy
            other = None if remedy is None else remedy(fit, finding)
            if other is not None:
                return [other] if self._is_sound(other) else []
        return []

    def _is_sound(self, other: Alternative) -> bool:
        """Return True if a change leads to no new reason, and not back.

        A wrong structure hides signs of further faults behind its own ones.
        """
        fit = self.fit
        is_weighted = other.solution.problem.options.variance == "proportional"
        if is_weighted and settle(other.solution) is None:
            return False
        verdict = Verdict(fit.follow(other))
        for back in verdict.fit.structures[:1]:
            if _leads_back(other.options, back.options, fit.problem):
                return False
        known = {each.slug for each in self.reasons} | {each.reason for each in fit.structures}
        is_structure = fit.structures or fit.rules[other.reason].family & Family.LARGER
        if is_structure and known & fit.list_slugs(SIGNS):
            known |= fit.list_slugs(SIGNS | ERRORS)
        if fit.rules[other.reason].family & Family.BASELINE:  # one after another
            known |= fit.list_slugs(Family.BASELINE)
        if other.reason == "curved":  # a missing input also looks like a curve
            known &= fit.list_slugs(ERRORS)
        return known >= {each.slug for each in verdict.reasons}


def judge(solution: Solution) -> Verdict:
    """Return the verdict on a fit, which is computed when first used."""
    return Verdict(Evidence(solution, RULES))


def _leads_back(there: Mapping[str, Any], back: Mapping[str, Any], problem: FitProblem) -> bool:
    """Return True if a second change restores the options that the first one changes."""
    delays = {"delay": (problem.delay, problem.delay)}
    before = vars(problem.options) | delays
    return all(name in back and back[name] == before[name] for name in there)
