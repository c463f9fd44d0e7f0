"""Picture requests: their style, and what they mark."""

import subprocess
import sys

import pytest

from service.errors import LimitExceeded
from service.rendering.requests import figure_style
from service.schemas.pictures import PictureOptions


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="pixels") as caught:
        figure_style(PictureOptions(width=2400, height=1800, dpi=300), (1000, 400))
    assert [each.parameter for each in caught.value.errors] == ["dpi"]


def test_requests_do_not_import_matplotlib() -> None:
    code = "import sys, service.rendering.pool; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
