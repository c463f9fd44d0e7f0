"""Figures of Matplotlib, which is imported only for them."""

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that a notebook displays, also without the interface pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
