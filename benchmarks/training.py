"""Training with the tutorial's Rprop: 500 iterations from its start, data pass included."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import engine, tutorial
from benchmarks.harness import Contender, Row, alternate, check_agreement, make_rows, measure
from service.engine.data import count_ones

Data = tuple[engine.Array, engine.Array]
N_ITERATIONS = 500
SERVICE = "this service"
TUTORIAL = "the tutorial's loop"


def make_numpy_contenders(data: Data) -> list[Contender]:
    """Return the contenders that need only numpy."""
    return [
        Contender(SERVICE, lambda: engine.iterate(*data, N_ITERATIONS)),
        Contender(TUTORIAL, lambda: tutorial.train(*data, N_ITERATIONS), goal=1 / 50),
    ]


def make_contenders(data: Data, goals: dict[str, float]) -> list[Contender]:
    """Return every contender, with its goal by name or kind."""
    from benchmarks import peer_jax, peer_numba, peer_torch

    n_samples, n_steps = data[0].shape
    runs: dict[str, Callable[[engine.Array, engine.Array], Any]] = {
        SERVICE: engine.iterate,
        TUTORIAL: tutorial.train,
        "PyTorch, autograd": peer_torch.by_autograd,
        "PyTorch, by hand": peer_torch.by_hand,
        "PyTorch, powers": peer_torch.by_powers,
        **peer_jax.make_trainers(n_samples, n_steps),
        "Numba, one core": peer_numba.train,
        "Numba, all cores": peer_numba.train_on_all_cores,
    }
    contenders = []
    for name, run in runs.items():
        contender = Contender(name, partial(run, *data), compiles=name.startswith(("JAX", "Numba")))
        contender.goal = goals.get(name, goals.get(contender.kind))
        contenders.append(contender)
    return contenders


def final_weights(path: engine.Array) -> engine.Array:
    """Return the last weights, which must be equal for all contenders."""
    return np.asarray(path[-1])


def measure_complete_run(data: Data) -> float:
    """Return the seconds of a run with costs and the exact optimum."""
    complete = Contender(SERVICE, lambda: engine.complete_run(*data))
    return alternate([complete], rtol=0.0, budget=1.0)[SERVICE]


def measure_short(*, quick: bool = False) -> list[Row]:
    """Measure the tutorial's own run: 20 sequences of length 10."""
    data = count_ones()
    if quick:
        contenders = make_numpy_contenders(data)
    else:
        goals = {TUTORIAL: 1 / 50, "PyTorch, autograd": 1 / 150, "JAX": 1.5}
        contenders = make_contenders(data, goals)
        for contender in contenders:
            # Autograd is the usual implementation, so it has a separate row and goal.
            contender.kind = contender.name if "autograd" in contender.name else contender.kind
    seconds = alternate(contenders, rtol=1e-9, rounds=25, extract=final_weights)
    notes = f"with costs and the optimum {1e3 * measure_complete_run(data):.2g} ms"
    return make_rows("the tutorial's training: n = 20, T = 10", contenders, seconds, notes)


def measure_long() -> list[Row]:
    """Measure training on 10,000 sequences of length 100."""
    data = count_ones(10_000, 100)
    goals = {TUTORIAL: 1 / 1500, "PyTorch": 1 / 40, "JAX": 1 / 40, "Numba": 1 / 10}
    contenders = make_contenders(data, goals)
    seconds = alternate(contenders, rtol=1e-6, rounds=15, budget=1.5, extract=final_weights)
    return make_rows("training: n = 10,000, T = 100", contenders, seconds)


def measure_huge() -> list[Row]:
    """Measure a million sequences of length 100: each peer once, the service after each peer.

    The tutorial's loop is omitted, because it takes half an hour.
    """
    data = count_ones(1_000_000, 100)
    names = (SERVICE, "PyTorch, powers", "JAX, powers", "JAX, powers together", "Numba, all cores")
    goals = dict.fromkeys(("PyTorch", "JAX", "Numba"), 1 / 60)
    contenders = [
        contender for contender in make_contenders(data, goals) if contender.name in names
    ]
    compile_numba()
    service, *peers = contenders
    results, seconds, turns = {}, {}, []
    for peer in peers:
        path, seconds[peer.name] = measure(peer.run)
        results[peer.name] = final_weights(path)
        for _ in range(3):
            path, turn = measure(service.run)
            turns.append(turn)
        results[SERVICE] = final_weights(path)
    check_agreement(results, 1e-6)
    seconds[SERVICE] = float(np.median(turns))
    notes = f"peak memory {measure_memory():.2f} times the data"
    return make_rows("training: n = 1,000,000, T = 100", contenders, seconds, notes)


def compile_numba() -> None:
    """Compile the Numba functions."""
    from benchmarks import peer_numba

    peer_numba.train_on_all_cores(*count_ones(), 1)
    peer_numba.train(*count_ones(), 1)


def measure_memory() -> float:
    """Return the peak memory of training on a million by 100, in multiples of the data's size.

    That is the growth of the process from before the data exist, data included (Linux only).
    """
    program = """
import re
import numpy as np
from benchmarks import engine

def peak():
    # Not getrusage: a process inherits that peak from its parent.
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])

engine.iterate(np.ones((50, 100)), np.ones(50))
before = peak()
inputs = np.empty((1_000_000, 100))
inputs.reshape(1_000, -1)[:] = np.random.RandomState(1).randint(0, 2, 100_000)
targets = inputs.sum(axis=1)
engine.iterate(inputs, targets)
print((peak() - before) / (inputs.nbytes + targets.nbytes))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(done.stdout)
