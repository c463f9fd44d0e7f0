"""Numbers as the page writes them."""

import pytest

from tests.explorer.conftest import ModuleCaller


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("12.5", "12.5"),
        ("-2333", "−2333"),
        ("615689.775", "6.16×10⁵"),
        ("-1.8e-6", "−1.80×10⁻⁶"),
        ("Infinity", "> 10³⁰⁸"),
        ("-Infinity", "< −10³⁰⁸"),
        ("null", "–"),
    ],
)
def test_numbers_are_short(call_modules: ModuleCaller, value: str, text: str) -> None:
    function = f"({{ formatNumber }}) => formatNumber({value})"
    assert call_modules(["lib/format"], function) == text


@pytest.mark.parametrize(
    ("cost", "log10_cost", "text"),
    [
        ("21.89", "1.34", "21.89"),
        ("null", "400.4", "≈ 10⁴⁰⁰"),
        ("Infinity", "undefined", "> 10³⁰⁸"),
        ("null", "null", "–"),
    ],
)
def test_a_cost_that_overflows_is_shown_by_its_logarithm(
    call_modules: ModuleCaller, cost: str, log10_cost: str, text: str
) -> None:
    function = f"({{ formatCost }}) => formatCost({cost}, {log10_cost})"
    assert call_modules(["lib/format"], function) == text
