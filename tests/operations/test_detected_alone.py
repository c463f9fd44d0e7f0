"""The words for an input that is detected although all inputs together are not."""

import numpy as np

from benchmarks.verdict_cases import one_of_three
from service.engine.fit import fit
from service.operations.computations.fit_descriptions import describe_fit
from service.operations.computations.summary import summarize
from service.schemas.fits import FitRequest


def test_level_headline_and_sentences_name_the_input_that_is_detected_alone() -> None:
    series = one_of_three(30, 0.4, 0.0)(np.random.default_rng([7, 16]))
    dataset = {"kind": "stored", "id": f"ds_{32 * '0'}"}
    fields = {"dataset": dataset, "initial_state": "each", "offset": True}
    request = FitRequest.model_validate(fields)
    described = describe_fit(request, series, fit(series, request.to_options()))
    summary = summarize(request, described)
    assert summary.level == "rejected"
    assert summary.headline.endswith("x_0 alone is detected")
    assert not any(sentence.startswith("No effect") for sentence in summary.sentences)
    assert described.alternatives is not None
    assert described.alternatives[0].options == {"gains": {"x_1": 0.0, "x_2": 0.0}}
