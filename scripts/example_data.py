"""Write the example data of the explorer: python scripts/example_data.py.

Every file has one sequence per row, with its target in the last column.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / "service" / "explorer" / "examples"
N_BITS = 8
N_DAYS = 12
W_IN, W_REC = 0.5, 0.8


def write_table(inputs: NDArray[np.float64], targets: NDArray[np.float64], names: str) -> str:
    """Return inputs and targets as CSV. ``names`` are those of the inputs and of the target."""
    name, target = names.split()
    header = [*(f"{name}_{k}" for k in range(1, inputs.shape[1] + 1)), target]
    rows = np.column_stack([inputs, targets])
    return "".join(",".join(row) + "\n" for row in [header, *([f"{x:g}" for x in r] for r in rows)])


def exact_counts() -> str:
    """Return bits and the number of ones."""
    bits = np.random.default_rng(1).integers(0, 2, (30, N_BITS)).astype(float)
    return write_table(bits, bits.sum(axis=1), "bit count")


def noisy_counts() -> str:
    """Return bits and the number of ones plus normal noise with standard deviation 0.5."""
    random = np.random.default_rng(2)
    bits = random.integers(0, 2, (40, N_BITS)).astype(float)
    counts = bits.sum(axis=1) + 0.5 * random.standard_normal(len(bits))
    return write_table(bits, counts.round(2), "bit count")


def decaying_sum() -> str:
    """Return daily doses and the last level: 80 % remains each day, and half a dose is added."""
    random = np.random.default_rng(3)
    doses = (2 * random.random((40, N_DAYS))).round(1)
    level = W_IN * doses @ W_REC ** np.arange(N_DAYS)[::-1]
    level += 0.05 * random.standard_normal(len(doses))
    return write_table(doses, level.round(3), "dose level")


TABLES = {
    "exact_counts.csv": exact_counts,
    "noisy_counts.csv": noisy_counts,
    "decaying_sum.csv": decaying_sum,
}


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in TABLES.items():
        (FOLDER / name).write_text(make(), "ascii")


if __name__ == "__main__":
    main()
