"""Text: what fits, and how numbers are written."""

from hypothesis import given
from hypothesis import strategies as st

from service.figures.text import (
    format_log10_number,
    format_number,
    format_power_of_ten,
    format_weights,
    printable,
    shorten,
    text_width,
    typeset,
    wrap,
)


def test_characters_missing_in_the_font_become_boxes() -> None:
    assert printable("$w_{in}$ ∂ξ/∂Sₖ ≤ é") == "$w_{in}$ ∂ξ/∂Sₖ ≤ é"
    assert printable("日本 \ue000 \U00013000") == "□□ □"
    assert printable("a\n\tb\x00\x1b c\u202e") == "a b c"


def test_weights_are_symbols_and_all_else_is_literal() -> None:
    assert typeset("1 $ for w_in") == (r"1 \$ for $\mathrm{w_{in}}$", True)
    for literal in ("", "a", "w_input", "show_in", "$w_{in}$", "1 $"):
        assert typeset(literal) == (literal, False)


def test_numbers_use_typographic_signs() -> None:
    assert format_number(-0.5) == "\N{MINUS SIGN}0.5"
    assert format_number(1.8e-6) == "1.8\N{MULTIPLICATION SIGN}10⁻⁶"
    assert format_number(1e12) == "10¹²"
    assert format_number(-0.0) == "0"
    assert format_number(float("inf")) == "∞"
    assert format_weights(1, -2) == "(1, \N{MINUS SIGN}2)"
    assert format_power_of_ten(-30) == "10⁻³⁰"


def test_numbers_outside_float64_are_written_from_their_logarithm() -> None:
    assert format_log10_number(1204.30103) == "2\N{MULTIPLICATION SIGN}10¹²⁰⁴"
    assert format_log10_number(1204.99999) == "1\N{MULTIPLICATION SIGN}10¹²⁰⁵"
    assert format_log10_number(-400.0) == "1\N{MULTIPLICATION SIGN}10⁻⁴⁰⁰"
    assert format_log10_number(float("-inf")) == "0"
    assert format_log10_number(2.0) == "100"


@given(st.text(min_size=1, max_size=200), st.floats(60, 800))
def test_wrapped_lines_fit(text: str, width: float) -> None:
    lines = wrap(printable(text), 12, width, 2)
    assert len(lines) <= 2
    assert all(text_width(line, 12) <= width for line in lines)


def test_cut_text_ends_with_an_ellipsis() -> None:
    assert shorten("W" * 50, 12, 100).endswith("…")
    assert shorten("short", 12, 100) == "short"
