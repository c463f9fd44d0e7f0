"""The words for an input that is detected although all inputs together are not."""

import numpy as np

from benchmarks.verdict_cases import one_of_three
from service.engine.data import Step
from service.engine.fit import FitOptions, fit, summarize


def test_level_headline_and_sentences_name_the_input_that_is_detected_alone() -> None:
    series = one_of_three(30, 0.4, 0.0)(np.random.default_rng([7, 16]))
    result = fit(series, FitOptions())
    summary = summarize(result, Step())
    assert summary.level == "rejected"
    assert summary.headline.endswith("x_0 alone is detected")
    assert not any(sentence.startswith("No effect") for _, sentence in summary.sentences)
    (other,) = result.verdict.alternatives
    assert other.options == {"gains": {"x_1": 0.0, "x_2": 0.0}}
