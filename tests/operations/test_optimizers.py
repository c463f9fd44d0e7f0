"""The descriptions of the optimizers, parts of which are docstrings of the engine."""

import pytest

from service.engine.training import OPTIMIZERS
from service.operations.optimizers import OPTIMIZER_LIST
from service.schemas.optimizers import OptimizerDescription


@pytest.mark.parametrize("item", OPTIMIZER_LIST.items, ids=lambda item: item.name)
def test_variant_and_publications_are_those_of_the_docstring(item: OptimizerDescription) -> None:
    summary, _, rest = (OPTIMIZERS[item.name].build.__doc__ or "").partition("\n")
    variant, _, references = rest.partition("References")
    assert item.variant.split() == variant.split()
    assert item.source.split() == references.replace("----------", "").split()
    for text in (item.variant, item.source):
        assert text.strip() == text != ""
        assert "\n" not in text
        assert summary not in text
        assert "---" not in text


def test_all_optimizers_are_listed() -> None:
    assert [item.name for item in OPTIMIZER_LIST.items] == list(OPTIMIZERS)
