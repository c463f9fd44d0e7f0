"""Gradients through time, and the check of a gradient."""

import numpy as np

from service.engine.network import Trace, check_gradient, trace_gradient
from service.operations import work_estimates
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.schemas.common import NullableWeights
from service.schemas.gradient_trace import (
    GradientCheckRequest,
    GradientCheckResponse,
    GradientTrace,
    GradientTraceRequest,
    GradientTraceResponse,
)


def check(question: GradientTraceRequest, samples: ResolvedDataset, allowed: Limits) -> None:
    """Refuse traces that would take too long; raises LimitExceeded."""
    seconds = work_estimates.trace_seconds(samples.size, len(question.points))
    allowed.check_work(seconds, "/points")


def check_difference(
    question: GradientCheckRequest, samples: ResolvedDataset, allowed: Limits
) -> None:
    """Refuse checks that would take too long; raises LimitExceeded."""
    activation = question.network.activation
    seconds = 3 * work_estimates.backpropagation_seconds(activation, samples.size)
    allowed.check_work(seconds, "/dataset")


def traces(question: GradientTraceRequest, samples: ResolvedDataset) -> list[Trace]:
    """Follow the gradient back through time at every point."""
    return [
        trace_gradient(
            samples.dataset.inputs,
            samples.dataset.targets,
            point.to_engine(),
            question.network.to_engine(),
            question.aggregation,
        )
        for point in question.points
    ]


def traces_answer(
    question: GradientTraceRequest, samples: ResolvedDataset, allowed: Limits
) -> GradientTraceResponse:
    """Answer with traces as JSON; raises LimitExceeded where that would be too long."""
    n_numbers = 3 * (samples.size.n_steps + 1) * len(question.points)
    allowed.check_json(n_numbers, "/points", "ask for fewer points, or for .csv")
    answers = [
        GradientTrace(
            point=NullableWeights.of(point.to_engine()),
            gradient=trace.gradient,
            log10_magnitude=trace.log10_magnitude,
            sign=trace.sign.astype(np.int64),
            weight_gradient=NullableWeights.of(trace.weight_gradient),
            growth_per_step=trace.growth_per_step,
            regime=trace.regime,
        )
        for point, trace in zip(question.points, traces(question, samples), strict=True)
    ]
    return GradientTraceResponse(traces=answers)


def traces_table(question: GradientTraceRequest, samples: ResolvedDataset) -> dict[str, np.ndarray]:
    """Return all traces as columns of one long table, a row a point and step."""
    found = traces(question, samples)
    n_states = samples.size.n_steps + 1
    return {
        "w_in": np.repeat([point.w_in for point in question.points], n_states),
        "w_rec": np.repeat([point.w_rec for point in question.points], n_states),
        "k": np.tile(np.arange(n_states), len(found)),
        "gradient": np.concatenate([trace.gradient for trace in found]),
        "log10_magnitude": np.concatenate([trace.log10_magnitude for trace in found]),
        "sign": np.concatenate([trace.sign for trace in found]).astype(np.int64),
    }


def gradient_check_answer(
    question: GradientCheckRequest, samples: ResolvedDataset
) -> GradientCheckResponse:
    """Hold backpropagation against central differences of the cost."""
    found = check_gradient(
        samples.dataset.inputs,
        samples.dataset.targets,
        question.weights.to_engine(),
        question.network.to_engine(),
        question.step,
    )
    return GradientCheckResponse(
        analytic=NullableWeights.of(found.analytic),
        numeric=NullableWeights.of(found.numeric),
        relative_error=found.relative_error,
    )
