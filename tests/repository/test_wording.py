"""The check of wording: words are found in any kind of text, also across line breaks."""

import pytest

from scripts.wording import compile_patterns, find


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Nothing speaks against this number.", 1),
        ("<p>The first line.\n<p>Rows that the data\ncannot tell apart.", 2),
        ("x = 1\n    # A column that tells\n    # recordings apart.\n", 2),
        ('message = (\n    "residuals resemble "\n    "each other"\n)', 2),
        ('def f():\n    """Whether it is true."""', 2),
    ],
)
def test_a_planted_word_is_found(text: str, line: int) -> None:
    assert [found for found, _ in find(text, compile_patterns())] == [line]


def test_other_words_are_not() -> None:
    text = "Coverage is 95 %. Residuals are correlated. beside = [0] # Return True if detected."
    assert list(find(text, compile_patterns())) == []
