"""The guide, which the service serves at /guide/.

Its pages are those of ``docs``, and references that follow from docstrings. Writing it fails if a
link, an anchor or a picture is missing.
"""

import json
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html import escape
from itertools import chain
from pathlib import Path
from string import Template

from PIL import Image

from scripts.guide_markdown import Document, render
from scripts.guide_reference import describe_client, describe_commands
from service import __version__

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "service" / "guide"
HAND_WRITTEN = ("guide.css", "guide.js")  # next to this file
TEMPLATE = Template(Path(__file__).with_name("guide.html").read_text(encoding="utf-8"))
RECIPES = "docs/recipes/README.md"
ROW = re.compile(r"^\| ([^|\n]+) \| \[[^\]]+\]\((\w+\.md)\)", re.MULTILINE)  # a field and a recipe
SERVED = "service/explorer/"  # files of the repository that the service serves at /explorer/
EXTERNAL = re.compile(r"https?://|mailto:")
MIN_CONTENTS = 3  # sections of a page that has a list of contents

# A long document, and the pages of some of its sections by their sources: the title, and the
# sections. The others are on the page of the document.
FITTING = "docs/fitting.md"
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "docs/fitting_table.md": ("Tables for fits", ("From a table to a fit", "The table")),
    "docs/fitting_verdict.md": ("Results and verdicts", ("Reading the result",)),
    "docs/fitting_guarantees.md": (
        "How reliable fits are",
        ("What the verdict detects, and what it misses", "Fits of public data", "Guarantees"),
    ),
}

# The title of a group, and its pages by their sources. A source is a file, or the name of a
# generated text as a file next to docs/README.md.
GROUPS: dict[str, dict[str, str]] = {
    "": {"docs/README.md": "index.html", "docs/start.md": "start.html"},
    "Fits of your own sequences": {
        FITTING: "fitting.html",
        **{source: f"{Path(source).stem}.html" for source in PARTS},
        RECIPES: "recipes/index.html",
    },
    "Coming from other packages": {
        "docs/comparisons/curve_fit.md": "comparisons/curve_fit.html",
        "docs/comparisons/pastas.md": "comparisons/pastas.html",
        "docs/comparisons/adstock.md": "comparisons/adstock.html",
        "docs/comparisons/prophet.md": "comparisons/prophet.html",
    },
    "Training": {
        "docs/teaching.md": "teaching.html",
        "docs/mathematics.md": "mathematics.html",
    },
    "Reference": {
        "docs/command_line.md": "command_line.html",
        "client/README.md": "client.html",
        "docs/client.md": "client_reference.html",
        "openapi.md": "api.html",
    },
    "Operation": {
        "docs/configuration.md": "configuration.html",
        "docs/operations.md": "operations.html",
        "docs/decisions.md": "decisions.html",
        "benchmarks/results.md": "benchmarks.html",
        "CHANGELOG.md": "changelog.html",
    },
}


def recipes_by_field() -> dict[str, list[str]]:
    """Return the sources of the recipes by the field in the first column of their list."""
    fields: dict[str, list[str]] = {}
    for name, file in ROW.findall((ROOT / RECIPES).read_text(encoding="utf-8")):
        fields.setdefault(name, []).append(f"docs/recipes/{file}")
    return fields


def page_addresses() -> dict[str, str]:
    """Return the address below /guide/ of every source."""
    addresses = {source: address for group in GROUPS.values() for source, address in group.items()}
    for path in sorted((ROOT / "docs/recipes").rglob("*.md")):
        source = path.relative_to(ROOT).as_posix()
        name = source.removeprefix("docs/").removesuffix(".md")
        addresses.setdefault(source, f"{name.replace('/README', '')}.html")
    return addresses


def read_source(source: str) -> str:
    """Return the Markdown of a page."""
    generated = {"docs/command_line.md": describe_commands, "docs/client.md": describe_client}
    if source in generated:
        return generated[source]()
    if source in {FITTING, *PARTS}:
        return _select_sections(source)
    if source == "openapi.md":
        source = "scripts/openapi_introduction.md"
    return (ROOT / source).read_text(encoding="utf-8")


def _select_sections(source: str) -> str:
    """Return the Markdown of a page with sections of the long document."""
    text = (ROOT / FITTING).read_text(encoding="utf-8")
    introduction, *sections = re.split("^(?=## )", text, flags=re.MULTILINE)
    rest = {section.splitlines()[0].removeprefix("## "): section for section in sections}
    pages = {
        page: "".join([f"# {title}\n\n", *(rest.pop(name) for name in names)])
        for page, (title, names) in PARTS.items()
    }
    return pages.get(source, "".join([introduction, *rest.values()]))


@dataclass
class Guide:
    """The guide as it is built."""

    addresses: dict[str, str] = field(default_factory=page_addresses)
    """The addresses of pages by their sources."""
    documents: dict[str, Document] = field(default_factory=dict)
    """The pages by their sources."""
    links: list[tuple[str, str, str]] = field(default_factory=list)
    """Links to pages: the source, the linked source, and the anchor."""
    pictures: dict[str, str] = field(default_factory=dict)
    """The addresses of pictures by their files."""
    anchors: dict[str, set[str]] = field(default_factory=dict)
    """The anchors on the pages of the long document by their sources."""
    problems: list[str] = field(default_factory=list)
    """Broken links and missing pictures."""

    def read(self) -> None:
        """Render all pages, and collect problems."""
        for source in (each for each in (FITTING, *PARTS) if each in self.addresses):
            headings = render(read_source(source), lambda _: None).headings
            self.anchors[source] = {heading.anchor for heading in headings}
        for source in self.addresses:
            text = read_source(source)
            self.documents[source] = render(text, partial(self._resolve, source))
        for source, linked, anchor in self.links:
            anchors = {heading.anchor for heading in self.documents[linked].headings}
            if anchor not in {"", *anchors}:
                self.problems.append(f"{source}: {linked} has no anchor #{anchor}")
        listed = {RECIPES, *chain.from_iterable(recipes_by_field().values())}
        self.problems += [
            f"{RECIPES} does not list {source}"
            for source in self.addresses
            if source not in listed and Path(source).parent == Path(RECIPES).parent
        ]

    def _resolve(self, source: str, target: str) -> dict[str, str] | None:
        """Return the attributes of a link or a picture of a page."""
        if EXTERNAL.match(target):
            return {"href": target}
        name, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        path = source if not name else path
        if path in self.anchors:
            path = next((page for page, has in self.anchors.items() if anchor in has), path)
        if path in self.addresses:
            self.links.append((source, path, anchor))
            address = self._relative(source, self.addresses[path])
            return {"href": f"{address}#{anchor}" if anchor else address}
        if not (ROOT / path).exists():
            self.problems.append(f"{source}: {target} does not exist")
            return None
        if path.endswith((".png", ".gif", ".svg")):
            return self._picture(source, path)
        if path.startswith(SERVED):
            return {"href": self._relative(source, f"../explorer/{path.removeprefix(SERVED)}")}
        return None  # a file of the repository that the package does not contain

    def _picture(self, source: str, path: str) -> dict[str, str]:
        """Return the attributes of a picture. With its size, nothing moves when it loads."""
        self.pictures[path] = path.removeprefix("docs/")
        with Image.open(ROOT / path) as image:
            width, height = image.size
        return {
            "src": self._relative(source, self.pictures[path]),
            "width": str(width),
            "height": str(height),
            "loading": "lazy",
        }

    def _relative(self, source: str, address: str) -> str:
        return posixpath.relpath(address, posixpath.dirname(self.addresses[source]) or ".")

    def files(self) -> dict[str, bytes]:
        """Return the contents of all files by their names."""
        files = {address: self._page(source).encode() for source, address in self.addresses.items()}
        for path, name in self.pictures.items():
            files[name] = (ROOT / path).read_bytes()
        for name in HAND_WRITTEN:
            files[name] = Path(__file__).with_name(name).read_bytes()
        sections = [*chain.from_iterable(map(self._sections, self.addresses))]
        files["search.json"] = json.dumps(sections, ensure_ascii=False).encode()
        return files

    def _sections(self, source: str) -> Iterator[dict[str, str]]:
        """Yield the sections of a page, which the script of the guide searches."""
        for heading, text in self.documents[source].sections:
            yield {
                "address": f"{self.addresses[source]}#{heading.anchor}",
                "page": self._title(source),
                "heading": heading.text,
                "text": text,
            }

    def _page(self, source: str) -> str:
        """Return a page as HTML, with the navigation."""
        document = self.documents[source]
        home = "../" * self.addresses[source].count("/")
        return TEMPLATE.substitute(
            title=escape(self._title(source)),
            description=escape(document.introduction),
            home=home,
            root=f"{home}../",
            version=__version__,
            text=_with_contents(document),
            neighbors="\n".join(self._neighbors(source)),
            pages="\n".join(self._navigation(source)),
        )

    def _title(self, source: str) -> str:
        return self.documents[source].headings[0].text

    def _navigation(self, source: str) -> Iterator[str]:
        """Yield the list of all pages; on the pages of recipes also the recipes by field."""
        for title, pages in GROUPS.items():
            if title:
                yield f"<h2>{title}</h2>"
            yield "<ul>"
            for page in pages:
                yield self._entry(source, page)
                if page == RECIPES and source.startswith("docs/recipes/"):
                    for name, recipes in recipes_by_field().items():
                        yield f"<li><h3>{escape(name)}</h3>\n<ul>"
                        yield from (self._entry(source, recipe) for recipe in recipes)
                        yield "</ul></li>"
            yield "</ul>"

    def _neighbors(self, source: str) -> Iterator[str]:
        """Yield links to the previous and the next page."""
        recipes = [*chain.from_iterable(recipes_by_field().values())]
        order = [*chain.from_iterable(GROUPS.values())]
        place = order.index(RECIPES) + 1
        order[place:place] = recipes
        if source not in order:  # a page about data
            return
        index = order.index(source)
        for kind, pages in (("prev", order[:index][-1:]), ("next", order[index + 1 : index + 2])):
            for page in pages:
                address = self._relative(source, self.addresses[page])
                yield f'<a rel="{kind}" href="{address}">{escape(self._title(page))}</a>'

    def _entry(self, source: str, page: str) -> str:
        current = ' aria-current="page"' if page == source else ""
        address = self._relative(source, self.addresses[page])
        return f'<li><a href="{address}"{current}>{escape(self._title(page))}</a></li>'


def _with_contents(document: Document) -> str:
    """Return the text of a page with a list of its sections before the first one."""
    sections = [heading for heading in document.headings if heading.level == 2]
    if len(sections) < MIN_CONTENTS:
        return document.html
    items = "".join(
        f'<li><a href="#{section.anchor}">{escape(section.text)}</a></li>\n' for section in sections
    )
    contents = f'<nav class="contents" aria-label="On this page">\n<ul>\n{items}</ul>\n</nav>\n'
    before, tag, after = document.html.partition("<h2 ")
    return f"{before}{contents}{tag}{after}"


def main() -> None:
    """Write the guide, or print problems and fail."""
    guide = Guide()
    guide.read()
    if guide.problems:
        sys.exit("\n".join(guide.problems))
    shutil.rmtree(GUIDE, ignore_errors=True)
    for name, contents in guide.files().items():
        path = GUIDE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
