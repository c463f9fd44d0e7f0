"""Numbers as the page writes them."""

from tests.explorer.conftest import ModuleCaller

NUMBERS = {
    "0": "0",
    "12.5": "12.5",
    "-2333": "−2333",
    "615689.775": "6.16×10⁵",
    "-1.8e-6": "−1.80×10⁻⁶",
    "Infinity": "> 10³⁰⁸",
    "-Infinity": "< −10³⁰⁸",
    "null": "–",
}
COSTS = {
    "21.89, 1.34": "21.89",
    "null, 400.4": "≈ 10⁴⁰⁰",
    "Infinity, undefined": "> 10³⁰⁸",
    "null, null": "–",
}


def test_numbers_are_short(call_modules: ModuleCaller) -> None:
    for value, text in NUMBERS.items():
        function = f"({{ formatNumber }}) => formatNumber({value})"
        assert call_modules(["lib/format"], function) == text


def test_a_cost_that_overflows_is_shown_by_its_logarithm(call_modules: ModuleCaller) -> None:
    for arguments, text in COSTS.items():
        function = f"({{ formatCost }}) => formatCost({arguments})"
        assert call_modules(["lib/format"], function) == text
