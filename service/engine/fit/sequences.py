"""Scaled sequences, their responses, and how few sequences can stand for many."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array

BLOCK: Final = 1 << 18
"""Numbers that are filtered at a time, which bounds the memory."""


def filter_recursively(w: Array, x: Array) -> Array:
    """Return p with p_k = w p_(k-1) + x_k and p_(-1) = 0, for many w.

    Parameters
    ----------
    w : (W,)
    x : (N, T, K) or (W, N, T, K)

    Returns
    -------
    p : (W, N, T, K)
        In about 2 sqrt(T) steps of numpy: chunks are filtered side by side, each from 0, and then
        receive the last value of the chunk before them.
    """
    n_samples, n_steps, n_columns = x.shape[-3:]
    length = math.isqrt(n_steps - 1) + 1
    n_chunks = -(-n_steps // length)
    factor = w[:, None, None, None]
    p = np.zeros((len(w), n_samples, n_chunks * length, n_columns))
    p[:, :, :n_steps] = x
    chunks = p.reshape(len(w), n_samples, n_chunks, length, n_columns)
    for k in range(1, length):
        chunks[..., k, :] += factor * chunks[..., k - 1, :]
    powers = factor ** np.arange(1, length + 1)[:, None]
    for c in range(1, n_chunks):
        chunks[:, :, c] += powers * chunks[:, :, c - 1, -1:]
    return p[:, :, :n_steps]


def differentiate_responses(w: Array, responses: Array) -> Array:
    """Return the derivatives of responses with respect to w: those to the responses before."""
    before = np.zeros_like(responses)
    before[:, :, 1:] = responses[:, :, :-1]
    return filter_recursively(w, before)


@dataclass(frozen=True, eq=False)
class Sequences:
    """N scaled sequences.

    Attributes
    ----------
    inputs
        (N, T, q)
    targets, has_target
        (N, T); a target is 0 where there is none.
    ones
        (N,) the size of a 1 in each sequence.
    origin
        (N,) the step of the impulse that stands for the initial state.
    """

    inputs: Array
    targets: Array
    has_target: NDArray[np.bool_]
    ones: Array
    origin: NDArray[np.intp]

    @classmethod
    def from_inputs(cls, inputs: Array, origin: NDArray[np.intp]) -> "Sequences":
        """Return sequences with a target of 0 at every step."""
        targets = np.zeros(inputs.shape[:2])
        return cls(inputs, targets, targets == 0.0, np.ones(len(inputs)), origin)

    def __len__(self) -> int:
        return len(self.ones)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Sequences":
        return Sequences(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def n_numbers(self) -> int:
        """How many numbers there are to filter."""
        return self.targets.size * int(self.inputs.shape[2] + 2)

    def blocks(self) -> Iterator[slice]:
        """Yield places of some sequences at a time."""
        size = max(1, BLOCK * len(self) // self.n_numbers)
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))

    def respond(self, w: Array) -> Array:
        """Return the states for each input, a constant and an impulse, (W, N, T, q + 2)."""
        shape = (*self.targets.shape, 1)
        constant = np.broadcast_to(self.ones[:, None, None], shape)
        impulse = np.zeros(shape)
        impulse[np.arange(len(self)), self.origin, 0] = self.ones
        return filter_recursively(w, np.concatenate([self.inputs, constant, impulse], axis=2))

    def compress(self) -> "Sequences":
        """Return few sequences with the same sums of squares for every w.

        A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
        decomposition replaces all sequences whose targets are at the same steps.
        """
        n_samples, n_steps, n_inputs = self.inputs.shape
        at = n_steps * n_inputs
        rows = np.column_stack([self.inputs.reshape(n_samples, at), self.targets, self.ones])
        patterns = np.column_stack([self.has_target, self.origin])
        _, first, group = np.unique(patterns, axis=0, return_index=True, return_inverse=True)
        parts = [(rows[group.ravel() == i], index) for i, index in enumerate(first)]
        parts = [
            (np.linalg.qr(part, mode="r") if len(part) > 2 * rows.shape[1] else part, index)
            for part, index in parts
        ]
        pattern = np.repeat([index for _, index in parts], [len(part) for part, _ in parts])
        rows = np.concatenate([part for part, _ in parts])
        return replace(
            self[pattern],
            inputs=rows[:, :at].reshape(len(rows), n_steps, n_inputs),
            targets=rows[:, at:-1],
            ones=rows[:, -1],
        )
