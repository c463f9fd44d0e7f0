"""The unknowns of a fit as far as its options and the shape of the data decide them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.model.columns import Columns
from service.engine.fit.model.options import FitOptions
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Unknowns:
    """The states, the columns of all linear unknowns, and what is given instead.

    A source is an impulse for the start, an input, a constant for the offset, or a column of the
    trend and the season, in the order of `Sequences.sources`.

    Attributes
    ----------
    acts : (K, q)
        The mask of the inputs that act on each of K states.
    is_direct, is_free : (q,)
        The masks of inputs that act within their step only, and of those without a given gain.
    has_unknown_start, has_own_starts
        True if an initial state is fitted, and if each of several sequences has its own.
    has_offset, has_own_offsets
        True if the offset is fitted, and if each of several sequences has its own.
    has_own_gains
        True if each of several sequences has its own weights of the inputs, and its offset.
    n_baselines
        The number of columns of the trend and the season.
    start
        The given initial state in the unit of the targets; 0 if it is unknown.
    given_gains : (q,)
        The given steady-state gains in the units of the fit; 0 where they are unknown.
    """

    acts: NDArray[np.bool_]
    is_direct: NDArray[np.bool_]
    is_free: NDArray[np.bool_]
    has_unknown_start: bool
    has_own_starts: bool
    has_offset: bool
    has_own_offsets: bool
    has_own_gains: bool
    n_baselines: int
    start: float
    given_gains: Array

    @property
    def n_states(self) -> int:
        """The number K of states."""
        return len(self.acts)

    @cached_property
    def states_of_sources(self) -> list[tuple[int, ...]]:
        """The states that each source acts on; none for those without a memory."""
        every = tuple(range(self.n_states))
        of_inputs = [tuple(np.flatnonzero(column).tolist()) for column in self.acts.T]
        of_offset = every if self.has_offset and self.has_unknown_start else ()
        return [every, *of_inputs, of_offset, *[()] * self.n_baselines]

    @property
    def states_of_inputs(self) -> list[tuple[int, ...]]:
        """The states that each input acts on, in their order."""
        return self.states_of_sources[1 : 1 + len(self.is_free)]

    @cached_property
    def groups(self) -> dict[tuple[int, ...], list[int]]:
        """The sources that act on the same states."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for source, states in enumerate(self.states_of_sources):
            groups.setdefault(states, []).append(source)
        return groups

    @cached_property
    def responses(self) -> dict[tuple[int, int], int]:
        """The places of the responses, by the source and the number of states it has passed."""
        names = [
            (source, k)
            for states, sources in self.groups.items()
            for k in range(max(len(states), 1))
            for source in sources
        ]
        return {name: place for place, name in enumerate(names)}

    @cached_property
    def columns(self) -> Columns:
        """The order of the columns, among them one of starts for each state."""
        n_starts = self.n_states if self.has_unknown_start else 0
        n_inputs = sum(map(len, self.columns_of_inputs))
        n_own = int(self.has_own_offsets)
        return Columns(n_starts, n_inputs, int(self.has_offset) - n_own, self.n_baselines, n_own)

    @cached_property
    def columns_of_inputs(self) -> list[range]:
        """The places of the columns of each input among those of all inputs.

        A given gain removes a column.
        """
        sizes = [
            max(len(states), 1) - (not free)
            for states, free in zip(self.states_of_inputs, self.is_free.tolist(), strict=True)
        ]
        ends = np.cumsum(sizes, dtype=int).tolist()
        return [range(end - size, end) for end, size in zip(ends, sizes, strict=True)]

    @cached_property
    def n_own_columns(self) -> int:
        """The number of unknowns of each sequence alone: offset, starts, and weights of inputs."""
        n_starts = self.n_states if self.has_own_starts else 0
        n_inputs = self.columns.n_inputs if self.has_own_gains else 0
        return int(self.has_own_offsets) + n_starts + n_inputs

    @cached_property
    def linear_columns(self) -> Columns:
        """The order of the columns of linear problems: those of single sequences are removed."""
        return self.columns.without_own(
            has_own_starts=self.has_own_starts, has_own_gains=self.has_own_gains
        )

    @cached_property
    def moving(self) -> NDArray[np.intp]:
        """The columns that may change with the poles, and the rest of the targets.

        Baselines are among them only where columns of sequences are removed first.
        """
        every = np.arange(self.columns.n_unknowns + 1)
        return every if self.n_own_columns else np.delete(every, self.columns.baselines)


def find_acts(
    options: FitOptions, names: Sequence[str], inputs: Sequence[str]
) -> NDArray[np.bool_]:
    """Return which inputs act on which states.

    Parameters
    ----------
    options
        The options.
    names
        The q names of the inputs, in which a square has that of its input.
    inputs
        Those without the squares.

    Returns
    -------
    acts : (K, q)
        A mask.
    """
    lasting = [name for name in inputs if name not in options.direct]
    groups = options.time_constants
    if groups == "per_input":
        groups = tuple((name,) for name in lasting) or 1
    if isinstance(groups, int):
        groups = (tuple(lasting),) * groups
    masks = [[name in group for name in names] for group in groups]
    return np.array(masks, bool).reshape(len(groups), len(names))
