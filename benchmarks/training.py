"""Training by the note's Rprop: 500 iterations from its start, the pass over the data included."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import note, ours
from benchmarks.harness import Contender, Row, agree, alternate, rows, timed
from service.engine.data import count_ones

Data = tuple[ours.Array, ours.Array]
LENGTH = 500  # iterations


def note_only(data: Data) -> list[Contender]:
    """Return the contenders that need nothing but numpy."""
    return [
        Contender("ours", lambda: ours.iterate(*data, LENGTH)),
        Contender("the note's loop", lambda: note.train(*data, LENGTH), at_most=1 / 50),
    ]


def everyone(data: Data, at_most: dict[str, float]) -> list[Contender]:
    """Return every contender, with the ratios that should be reached by name or kind."""
    from benchmarks import peer_jax, peer_numba, peer_torch

    n_samples, n_steps = data[0].shape
    runs: dict[str, Callable[[ours.Array, ours.Array], Any]] = {
        "ours": ours.iterate,
        "the note's loop": note.train,
        "PyTorch, autograd": peer_torch.by_autograd,
        "PyTorch, by hand": peer_torch.by_hand,
        "PyTorch, powers": peer_torch.by_powers,
        **peer_jax.trainers(n_samples, n_steps),
        "Numba, one core": peer_numba.train,
        "Numba, all cores": peer_numba.train_on_all_cores,
    }
    found = []
    for name, run in runs.items():
        contender = Contender(
            name, lambda run=run: run(*data), compiles=name.startswith(("JAX", "Numba"))
        )
        contender.at_most = at_most.get(name, at_most.get(contender.kind))
        found.append(contender)
    return found


def final_weights(path: ours.Array) -> ours.Array:
    """Return what contenders must agree on."""
    return path[-1]


def whole_request(data: Data) -> float:
    """Return the seconds that a run takes with honest costs and the exact optimum."""
    whole = Contender("ours", lambda: ours.whole_run(*data))
    return alternate([whole], rtol=0.0, budget=1.0)["ours"]


def short(*, quick: bool = False) -> list[Row]:
    """Measure the note's own run: 20 sequences of length 10."""
    data = count_ones()
    if quick:
        contenders = note_only(data)
    else:
        limits = {"the note's loop": 1 / 50, "PyTorch, autograd": 1 / 150, "JAX": 1.5}
        contenders = everyone(data, limits)
        for each in contenders:
            # Autograd is what people write: it has a line, and a figure, of its own.
            each.kind = each.name if "autograd" in each.name else each.kind
    seconds = alternate(contenders, rtol=1e-9, rounds=25, look=final_weights)
    notes = f"with honest costs and the optimum {1e3 * whole_request(data):.2g} ms"
    return rows("the note's training: n = 20, T = 10", contenders, seconds, notes)


def long() -> list[Row]:
    """Measure 10,000 sequences of length 100."""
    data = count_ones(10_000, 100)
    limits = {"the note's loop": 1 / 1500, "PyTorch": 1 / 40, "JAX": 1 / 40, "Numba": 1 / 10}
    contenders = everyone(data, limits)
    seconds = alternate(contenders, rtol=1e-6, rounds=15, budget=1.5, look=final_weights)
    return rows("n = 10,000, T = 100", contenders, seconds)


def huge() -> list[Row]:
    """Measure a million sequences of length 100: each peer once, ours beside each.

    The note's loop takes half an hour and has no line here.
    """
    data = count_ones(1_000_000, 100)
    chosen = ("ours", "PyTorch, powers", "JAX, powers", "JAX, powers together", "Numba, all cores")
    limits = dict.fromkeys(("PyTorch", "JAX", "Numba"), 1 / 60)
    contenders = [each for each in everyone(data, limits) if each.name in chosen]
    compile_numba()
    mine, *peers = contenders
    answers, seconds, turns = {}, {}, []
    for peer in peers:
        path, seconds[peer.name] = timed(peer.run)
        answers[peer.name] = final_weights(path)
        for _ in range(3):
            path, taken = timed(mine.run)
            turns.append(taken)
        answers["ours"] = final_weights(path)
    agree(answers, 1e-6)
    seconds["ours"] = float(np.median(turns))
    notes = f"peak memory {memory():.2f} times the data"
    return rows("n = 1,000,000, T = 100", contenders, seconds, notes)


def compile_numba() -> None:
    """Let Numba compile, for any size."""
    from benchmarks import peer_numba

    peer_numba.train_on_all_cores(*count_ones(), 1)
    peer_numba.train(*count_ones(), 1)


def memory() -> float:
    """Return the peak memory of training on a million by 100, in multiples of the data's size.

    That is what the process grows by from before the data are made, data included (on Linux).
    """
    program = """
import re
import numpy as np
from benchmarks import ours

def peak():
    # Not getrusage: a process inherits that peak from the one that started it.
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])

ours.iterate(np.ones((50, 100)), np.ones(50))
before = peak()
inputs = np.empty((1_000_000, 100))
inputs.reshape(1_000, -1)[:] = np.random.RandomState(1).randint(0, 2, 100_000)
targets = inputs.sum(axis=1)
ours.iterate(inputs, targets)
print((peak() - before) / (inputs.nbytes + targets.nbytes))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(done.stdout)
