"""The guide: it reports broken links, and its formulas look as in TeX."""

import pytest

from scripts import guide
from scripts.guide_formulas import typeset
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


def test_links_into_a_long_document_lead_to_the_page_of_the_section() -> None:
    made = guide.Guide()
    made.read()
    assert made.problems == []
    for source in guide.PARTS:
        assert len(made.anchors[source]) >= 2
    page = made.files()["index.html"].decode()
    assert 'href="fitting.html"' in page
    linked = made.files()["comparisons/curve_fit.html"].decode()
    address = "../fitting_guarantees.html#what-the-verdict-detects-and-what-it-misses"
    assert f'href="{address}"' in linked


def test_formulas_are_mathml_and_links_outside_the_guide_are_text() -> None:
    text = "# T\n\n[`x`](x.py) costs $\\frac{a}{b}$.\n\n```math\nr^2\n```\n"
    html = render(text, lambda _: None).html
    assert "<code>x</code> costs <span" in html
    assert "<mfrac>" in html
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><msup>' in html


@pytest.mark.parametrize(
    ("tex", "mathml"),
    [
        ("f'(x)", '<mrow><mi>f</mi><mo lspace="0" rspace="0">\u2032</mo></mrow>'),
        ("(-1, x - 1)", '<mo form="prefix">\u2212</mo><mn>1</mn>'),
        ("(-1, x - 1)", '<mi>x</mi><mo form="infix">\u2212</mo><mn>1</mn>'),
        ("2 \\ln x", '<mn>2</mn><mspace width="0.167em" /><mi>ln</mi><mspace width="0.167em" />'),
        ("\\log_{10}(x)", "<msub><mi>log</mi><mrow><mn>10</mn></mrow></msub><mo"),
        ("w \\to \\infty", "<mi>\u221e</mi>"),
    ],
)
def test_formulas_have_the_spacing_of_tex(tex: str, mathml: str) -> None:
    assert mathml in typeset(tex, is_block=False)
