"""Picture requests: their style, and what they mark."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from service.errors import LimitExceeded
from service.rendering.requests import SurfacePictureRequest, figure_style
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.pictures import PictureOptions


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="pixels") as caught:
        figure_style(PictureOptions(width=2400, height=1800, dpi=300), (1000, 400))
    assert [each.parameter for each in caught.value.errors] == ["dpi"]


@pytest.mark.parametrize(
    ("fields", "annotations"),
    [
        ({}, set()),
        ({"runs": ["run_" + "0" * 32]}, {"optimum", "valley"}),
        ({"runs": ["run_" + "0" * 32], "marks": []}, set()),
        ({"marks": ["valley"]}, {"valley"}),
    ],
)
def test_runs_are_annotated_unless_marks_are_given(
    surface: Callable[..., SurfacePictureRequest], fields: dict[str, Any], annotations: set[str]
) -> None:
    request = surface(surface=CostSurfaceRequest.model_validate(fields))
    assert request.annotations == annotations


def test_requests_do_not_import_matplotlib() -> None:
    code = "import sys, service.rendering.pool; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
