# Generated from _async by `make openapi`: do not edit.
"""Pictures of results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypedDict

from linear_rnn import _models as m
from linear_rnn._names import suggest_keywords


class PictureOptions(TypedDict, total=False):
    """The options of a picture; ``scale`` is one of fits."""

    format: Literal["svg", "png", "pdf"]
    width: int
    height: int
    dpi: int
    theme: m.Theme
    title: str
    scale: Literal["linear", "log"]


@suggest_keywords
class Picture:
    """A picture, which is displayed in a notebook.

    Attributes
    ----------
    content
        The file.
    format
        Its format: svg, png or pdf.
    """

    def __init__(self, load: Callable[[str], Any], path: str) -> None:
        self._load = load
        self._path = path
        self.content = b""
        self.format = ""

    def load(self, format: str) -> Self:  # noqa: A002
        """Load the picture in a format: svg, png or pdf.

        >>> rnn.surface().plot().load("png").content[1:4]
        b'PNG'
        """
        self.content = self._load(f"{self._path}.{format}")
        self.format = format
        return self

    def save(self, path: str | Path) -> None:
        """Write the picture to a file, in the format of its name: .svg, .png or .pdf.

        A name without a suffix is given that of the present format.

        >>> rnn.surface().plot().save("surface.pdf")
        """
        file = Path(path)
        wanted = file.suffix.removeprefix(".") or self.format
        if wanted != self.format:
            self.load(wanted)
        file.with_suffix(f".{wanted}").write_bytes(self.content)

    def _repr_svg_(self) -> str | None:
        return self.content.decode() if self.format == "svg" else None

    def _repr_png_(self) -> bytes | None:
        return self.content if self.format == "png" else None

    def __repr__(self) -> str:
        return f"<{self.format} picture of {len(self.content):,} bytes; .save(path) writes it>"
