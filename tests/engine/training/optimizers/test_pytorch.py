"""Comparison with PyTorch: updates for the same gradients, clipping, and whole trajectories.

Run with ``pytest -m oracle`` where PyTorch is installed.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.training import OPTIMIZERS, Clip, TrainingSetup, train
from service.engine.types import Weights
from tests.engine.training.conftest import NEAR_START, NORM, TUTORIAL_START, VALUE
from tests.engine.training.optimizers.conftest import take_steps

pytestmark = pytest.mark.oracle

STEPS = {"initial_step": 0.1, "minimum_step": 0.01, "maximum_step": 0.2}
PAIRS: list[tuple[str, dict[str, float]]] = [
    ("irprop_minus", {}),
    ("irprop_minus", {"eta_plus": 1.5, "eta_minus": 0.3, **STEPS}),
    ("gradient_descent", {}),
    ("momentum", {}),
    ("momentum", {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True}),
    ("rmsprop", {}),
    ("rmsprop", {"learning_rate": 0.1, "alpha": 0.99, "epsilon": 0.01}),
    ("adam", {}),
    ("adam", {"learning_rate": 0.2, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
]
IDS = [f"{name}-{'changed' if parameters else 'default'}" for name, parameters in PAIRS]


def translate(name: str, parameters: dict[str, float]) -> tuple[str, dict[str, Any]]:
    """Return PyTorch's name of an optimizer, and its parameters."""
    p = {each.name: each.default for each in OPTIMIZERS[name].parameters} | parameters
    if name == "irprop_minus":
        sizes = p["minimum_step"], p["maximum_step"]
        etas = p["eta_minus"], p["eta_plus"]
        return "Rprop", {"lr": p["initial_step"], "etas": etas, "step_sizes": sizes}
    rate = {"lr": p["learning_rate"]}
    if name == "adam":
        return "Adam", rate | {"betas": (p["beta_1"], p["beta_2"]), "eps": p["epsilon"]}
    if name == "rmsprop":
        return "RMSprop", rate | {"alpha": p["alpha"], "eps": p["epsilon"]}
    return "SGD", rate | {key: p[key] for key in ("momentum", "nesterov") if key in p}


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    return torch


def torch_steps(
    torch: Any, optimizer: str, parameters: dict[str, Any], gradients: list[float]
) -> list[float]:
    """Return PyTorch's steps, each from a weight of 0 so that rounding does not hide it."""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    torch_optimizer = getattr(torch.optim, optimizer)([weight], **parameters)
    steps = []
    for gradient in gradients:
        with torch.no_grad():
            weight.zero_()
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        torch_optimizer.step()
        steps.append(weight.item())
    return steps


@pytest.mark.parametrize(("name", "parameters"), PAIRS, ids=IDS)
@given(
    gradients=st.lists(
        st.builds(
            lambda sign, size: sign * 10.0**size, st.sampled_from([-1.0, 1.0]), st.floats(-20, 20)
        )
        | st.just(0.0),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_updates(
    name: str, parameters: dict[str, float], gradients: list[float], torch: Any
) -> None:
    steps, _ = take_steps(OPTIMIZERS[name](**parameters), gradients, 0.0)
    expected = torch_steps(torch, *translate(name, parameters), gradients)
    # Where gradients cancel in a sum, the error is relative to the size of the gradients.
    scale = np.maximum.accumulate(np.abs(expected))
    assert np.all(np.abs(np.array(steps) - expected) <= 1e-12 * scale)


def torch_path(
    torch: Any,
    optimizer: str,
    parameters: dict[str, Any],
    initial: Weights,
    clip: Clip | None,
    n_iterations: int,
) -> Any:
    """Train the network by autograd and PyTorch's optimizer: weights (n_iterations + 1, 2)."""
    inputs, targets = (torch.tensor(array) for array in count_ones())
    w_in, w_rec = weights = [
        torch.tensor(weight, dtype=torch.float64, requires_grad=True) for weight in initial
    ]
    torch_optimizer = getattr(torch.optim, optimizer)(weights, **parameters)
    path = [list(initial)]
    for _ in range(n_iterations):
        torch_optimizer.zero_grad()
        state = torch.zeros(len(targets), dtype=torch.float64)
        for k in range(inputs.shape[1]):
            state = w_rec * state + w_in * inputs[:, k]
        ((state - targets) ** 2).mean().backward()
        if clip is not None and clip.by == "norm":
            torch.nn.utils.clip_grad_norm_(weights, clip.threshold)
        elif clip is not None:
            torch.nn.utils.clip_grad_value_(weights, clip.threshold)
        torch_optimizer.step()
        path.append([w_in.item(), w_rec.item()])
    return np.array(path)


# Trajectories that do not amplify rounding. Unclipped descent from the tutorial's start and the
# jumps of RMSprop around the minimum do.
PATHS: list[tuple[str, dict[str, float], Weights, Clip | None]] = [
    ("irprop_minus", {}, TUTORIAL_START, None),
    ("irprop_minus", {}, NEAR_START, None),
    ("gradient_descent", {}, TUTORIAL_START, NORM),
    ("gradient_descent", {"learning_rate": 1e-3}, NEAR_START, None),
    ("momentum", {}, TUTORIAL_START, NORM),
    ("momentum", {"learning_rate": 1e-3}, NEAR_START, None),
    ("momentum", {"learning_rate": 1e-3, "nesterov": True}, NEAR_START, None),
    ("rmsprop", {"learning_rate": 1e-3}, TUTORIAL_START, None),
    ("adam", {}, TUTORIAL_START, None),
    ("adam", {}, TUTORIAL_START, NORM),
    ("adam", {"learning_rate": 0.05}, NEAR_START, None),
    ("adam", {}, TUTORIAL_START, VALUE),
]


@pytest.mark.parametrize(("name", "parameters", "initial", "clip"), PATHS)
def test_paths(
    name: str, parameters: dict[str, float], initial: Weights, clip: Clip | None, torch: Any
) -> None:
    objective = make_objective(Dataset.from_arrays(*count_ones()), Network())
    run = train(
        TrainingSetup(objective, OPTIMIZERS[name](**parameters), clip=clip),
        initial,
        n_iterations=300,
    )
    expected = torch_path(torch, *translate(name, parameters), initial, clip, 300)
    np.testing.assert_allclose(run.weights, expected, rtol=0.0, atol=1e-9)


def test_pytorch_rprop_loses_small_signs(torch: Any) -> None:
    # The only difference: PyTorch multiplies two gradients, and 1e-400 is 0 in float64.
    tiny = [1e-200, 1e-200]
    steps, _ = take_steps(OPTIMIZERS["irprop_minus"](), tiny, 0.0)
    assert torch_steps(torch, "Rprop", {"lr": 0.001}, tiny) == [-0.001, -0.001]
    assert steps == [-0.001, -0.0012]
