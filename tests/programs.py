"""Programs that some tests need and that pip cannot install."""

import os
import shutil

import pytest


def needs(program: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test without the program; in CI the test fails instead."""
    is_missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(is_missing, reason=f"{program} is not installed")
