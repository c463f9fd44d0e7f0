"""Progress on stderr: of tqdm if it is installed, otherwise one line."""

import sys
from importlib.util import find_spec
from typing import Any


class Progress:
    """A progress bar."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None
        if find_spec("tqdm") is not None:
            from tqdm.auto import tqdm

            self._bar = tqdm(desc=label, file=sys.stderr)

    def show(self, done: int, total: int, cost: float | None) -> None:
        """Show the progress, and the latest cost if there is one."""
        text = "" if cost is None else f"cost {cost:.3g}"
        if self._bar is None:
            line = f"\r{self._label} {done:,} of {total:,} ({done / max(total, 1):.0%}) {text}"
            print(f"{line:<70}", end="", file=sys.stderr, flush=True)
        else:
            self._bar.total = total
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the line."""
        print(file=sys.stderr) if self._bar is None else self._bar.close()
