"""The words of fits do not change unnoticed."""

import json

from tests.golden.make_fit_texts import FILE, make_texts


def test_fits_are_described_as_before() -> None:
    assert make_texts() == json.loads(FILE.read_text("utf-8"))
