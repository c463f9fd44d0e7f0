"""Rendered bytes: size, metadata, determinism, hostile text."""

import io
import json
import re
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader

from service.figures.formats import PICTURE_FORMATS
from service.figures.style import Style
from service.figures.surface import cost_surface_figure
from tests.figures.conftest import TUTORIAL_WINDOWS, tutorial_cost
from tests.programs import run_program

METADATA = {"Request": '{"title": "é <b> -- 日本 \\u0000"}', "Approximation": "é & <b>"}
HOSTILE = [
    "$w_{in}$ and $\\frac{1",
    "$$$ \\ { } % # & ~ ^ _",
    "<script>alert(1)</script> & ]]> -- -->",
    "\x00\x01\x1b[31m\r\n\ttabs",
    "日本語のタイトル \U0001f9e0",
    "\u202eright to left \u200b\ufeff\ufffe\ud800",
    "W" * 200,
    "word " * 40,
    " ",
    "",
]


@pytest.fixture
def picture() -> Figure:
    return cost_surface_figure(
        TUTORIAL_WINDOWS, tutorial_cost, points=((2, 1),), style=Style(500, 300)
    )


@pytest.mark.parametrize("dpi", [50, 77, 100, 250])
@pytest.mark.parametrize("size", [(320, 241), (641, 333)])
def test_png_size_follows_dpi(size: tuple[int, int], dpi: int) -> None:
    style = Style(*size, dpi=dpi)
    picture = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, style=style)
    image = Image.open(io.BytesIO(PICTURE_FORMATS["png"].write(picture, {})))
    assert image.size == style.pixels
    image.load()


def test_svg_has_its_size_and_metadata(picture: Figure) -> None:
    text = PICTURE_FORMATS["svg"].write(picture, METADATA)
    root = ET.fromstring(text)  # noqa: S314
    assert (root.get("width"), root.get("height")) == ("360pt", "216pt")
    found = {e.tag.rpartition("}")[2]: e.text for e in root.iter() if e.text and e.text.strip()}
    assert json.loads(found["description"]) == METADATA
    assert b"matplotlib v" not in text.lower()
    assert "date" not in {e.tag.rpartition("}")[2] for e in root.iter()}


def test_pdf_has_its_size_text_and_metadata(picture: Figure) -> None:
    reader = PdfReader(io.BytesIO(PICTURE_FORMATS["pdf"].write(picture, METADATA)))
    (page,) = reader.pages
    assert [float(side) for side in page.mediabox[2:]] == [360, 216]
    assert re.search(r"w\s*rec", page.extract_text())
    assert reader.metadata is not None
    assert json.loads(reader.metadata.subject or "") == METADATA
    assert set(reader.metadata) == {"/Subject"}


SCRIPT = """
import hashlib, sys
import numpy as np
from service.figures.heatmap import Window
from service.figures.formats import PICTURE_FORMATS
from service.figures.surface import cost_surface_figure
windows = (Window((-3.0, 3.0), (-3.0, 3.0)), Window((0.0, 2.0), (0.0, 2.0)))
bowl = lambda w_in, w_rec: np.log10(w_in**2 + w_rec**2 + 1e-9)
picture = cost_surface_figure(windows, bowl, points=((2, 1), (1, 0.5)))
metadata = {"Request": "{}"}
for picture_format in PICTURE_FORMATS.values():
    file = picture_format.write(picture, metadata)
    print(hashlib.sha256(file).hexdigest())
print("pyplot" if "matplotlib.pyplot" in sys.modules else "clean")
"""


@pytest.mark.slow
def test_bytes_are_equal_across_processes_and_without_pyplot(tmp_path: Path) -> None:
    """Pictures are independent of the hash seed and of the user's Matplotlib settings."""
    (tmp_path / "matplotlibrc").write_text("font.size: 31\nlines.color: red\nsvg.fonttype: none\n")
    outputs = [
        run_program(
            sys.executable,
            "-c",
            SCRIPT,
            env={"PYTHONHASHSEED": seed, "MPLCONFIGDIR": str(config), "PATH": ""},
            cwd=Path(__file__).parents[2],
        ).stdout.split()
        for seed, config in (("1", tmp_path / "empty"), ("2", tmp_path))
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0][3] == "clean"
    assert len(set(outputs[0])) == 4


@pytest.mark.parametrize("title", HOSTILE)
@pytest.mark.parametrize("suffix", PICTURE_FORMATS)
def test_hostile_titles_are_only_text(title: str, suffix: str) -> None:
    style = Style(320, 240, title=title)
    picture = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, style=style)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = PICTURE_FORMATS[suffix].write(picture, {"Request": json.dumps(title)})
    if suffix == "svg":
        root = ET.fromstring(drawn)  # noqa: S314
        assert not [e for e in root.iter() if e.tag.endswith("script")]
    elif suffix == "png":
        Image.open(io.BytesIO(drawn)).load()
    else:
        assert len(PdfReader(io.BytesIO(drawn)).pages) == 1
