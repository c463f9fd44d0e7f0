"""The table of rules: a row is all that a check needs."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from benchmarks.verdict_cases import one_sequence
from service.engine.fit import (
    RULES,
    Evidence,
    Family,
    Finding,
    FitOptions,
    Joint,
    Residuals,
    Rule,
    Verdict,
    fit,
)

RESULT = fit(one_sequence(100, 0.8)(np.random.default_rng([5, 1])), FitOptions())


def judge_with(*rows: Rule[Evidence]) -> Verdict:
    rules = {rule.slug: rule for rule in (*RULES.values(), *rows)}
    return Verdict(Evidence(RESULT.solution, rules))


def test_a_fit_without_violations_is_trusted() -> None:
    assert judge_with().trust.findings == RESULT.verdict.trust.findings == []


@pytest.mark.parametrize("kind", ["reason", "caution"])
def test_a_planted_rule_needs_one_row(kind: str) -> None:
    found = [Finding("planted", lag=3)]
    planted = Rule[Evidence]("planted", "reason", Family.DATA, lambda _: found)
    if kind == "caution":
        planted = replace(planted, turns=lambda _, finding: finding.lag == 3)
    trust = judge_with(planted).trust
    assert trust.findings == found
    assert (trust.reasons if kind == "reason" else trust.cautions) == ["planted"]
    assert trust.interval == (kind == "caution")


@pytest.mark.parametrize(("observed", "is_found"), [(1.0, True), (0.5, False)])
def test_a_planted_check_of_residuals_needs_one_row(observed: float, is_found: bool) -> None:
    def check(residuals: Residuals) -> Joint:
        statistics = np.linspace(0.0, 0.99, residuals.values.shape[1])
        statistics[0] = observed
        return Joint(Finding("planted"), statistics)

    planted = Rule[Evidence]("planted", "reason", Family.PATTERN, check=check)
    assert ("planted" in judge_with(planted).trust.reasons) == is_found


def test_a_rule_hides_what_it_makes_meaningless() -> None:
    first = Rule[Evidence]("first", "caution", Family.DATA, lambda _: True, hides=("second",))
    second = Rule[Evidence]("second", "caution", Family.DATA, lambda _: True)
    assert judge_with(first, second).trust.cautions == ["first"]
    assert judge_with(second).trust.cautions == ["second"]


def test_what_is_last_is_not_sought_after_a_reason() -> None:
    reason = Rule[Evidence]("reason", "reason", Family.DATA, lambda _: True)
    last = Rule[Evidence]("last", "caution", Family.DATA, lambda _: True, is_last=True)
    assert judge_with(last).trust.cautions == ["last"]
    assert judge_with(reason, last).trust.findings == [Finding("reason")]


def test_rules_hide_rules_of_the_table() -> None:
    hidden = chain.from_iterable(rule.hides for rule in RULES.values())
    assert {*hidden} <= RULES.keys()
