"""The memory of fits to many targets."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import lfilter

from service.engine.data import Series
from service.engine.fit import FitOptions, fit


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [FitOptions(w_rec=(0.85, 0.95)), FitOptions(time_constants=2, noise="ar1")]
)
def test_a_fit_uses_at_most_1500_bytes_per_target(options: FitOptions) -> None:
    n_sequences = 10
    n_steps = 5000
    rng = np.random.default_rng(1)
    inputs = rng.exponential(size=(n_sequences, n_steps, 1))
    fast = lfilter([0.5], [1.0, -0.5], inputs, axis=1) if options.time_constants == 2 else 0.0
    states = lfilter([1.0], [1.0, -0.9], inputs, axis=1) + fast
    targets = states[..., 0] + rng.standard_normal((n_sequences, n_steps))
    series = Series.from_sequences([*inputs], [*targets], ("x",))
    tracemalloc.start()
    try:
        for _ in fit(series, options).compute():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1500 * n_sequences * n_steps
