"""Fewer sequences with the same sums of squares."""

import numpy as np

from service.engine.fit.model.sequences import Sequences
from service.engine.interruption import check_interruption


def compress(sequences: Sequences, *, has_own_starts: bool, has_own_offsets: bool) -> Sequences:
    """Return fewer sequences with the same sum of squared residuals for every w.

    A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
    decomposition replaces all sequences whose targets are at the same steps.

    Parameters
    ----------
    sequences
        Of any number.
    has_own_starts, has_own_offsets
        True if each has its own unknown start, and its own unknown offset.

    Returns
    -------
    Sequences
        With their multiplicity.
    """
    check_interruption()
    n_sequences, n_steps = sequences.targets.shape
    inputs = sequences.inputs.reshape(n_sequences, -1)
    rows = np.column_stack([inputs, np.nan_to_num(sequences.targets), np.ones(n_sequences)])
    if n_sequences <= rows.shape[1]:
        return sequences
    _, first, group, sizes = np.unique(
        sequences.has_target, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    factors = []
    for members in np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(sizes)[:-1]):
        check_interruption()
        factors.append(np.linalg.qr(rows[members], mode="r"))
    lengths = [len(factor) for factor in factors]
    inputs, targets, ones = np.split(np.concatenate(factors), [-n_steps - 1, -1], axis=1)
    originals = sequences[np.repeat(first, lengths)]
    impulse = originals.sources[..., originals.columns.starts]
    if not has_own_starts:  # the direction of a separate start is that of the impulse
        impulse = impulse * ones[:, None]
    constant = originals.sources[..., originals.columns.offset]
    if not has_own_offsets:
        constant = constant * ones[:, None]
    baselines = originals.sources[..., originals.columns.baselines] * ones[:, None]
    sources = [impulse, inputs.reshape(originals.inputs.shape), constant, baselines]
    return Sequences(
        np.concatenate(sources, axis=2),
        np.where(originals.has_target, targets, np.nan),
        np.repeat(sizes / lengths, lengths),
        originals.columns,
    )
