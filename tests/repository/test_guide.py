"""The guide finds broken links, and typesets formulas."""

import pytest

from scripts import guide
from scripts.guide_markdown import render


def test_broken_links_anchors_and_pictures_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "docs/README.md": "# Start\n\n[fits](fitting.md#no-such-section), [gone](gone.md)\n",
        "docs/fitting.md": "# Fits\n\n## A section\n\n![gone](images/gone.png)\n[a](#a-section)\n",
    }
    monkeypatch.setattr(guide, "read_source", texts.__getitem__)
    made = guide.Guide(addresses={"docs/README.md": "index.html", "docs/fitting.md": "fit.html"})
    made.read()
    assert made.problems == [
        "docs/README.md: gone.md does not exist",
        "docs/fitting.md: images/gone.png does not exist",
        "docs/README.md: docs/fitting.md has no anchor #no-such-section",
    ]


def test_formulas_are_mathml_and_links_outside_the_guide_are_text() -> None:
    text = "# T\n\n[`x`](x.py) costs $\\frac{a}{b}$.\n\n```math\nr^2\n```\n"
    html = render(text, lambda _: None).html
    assert "<code>x</code> costs <span" in html
    assert "<mfrac>" in html
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><msup>' in html
