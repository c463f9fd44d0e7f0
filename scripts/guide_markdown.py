"""Markdown of the repository as HTML of the guide: anchors, links, pictures, tables, formulas."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from scripts.guide_formulas import typeset
from scripts.openapi_models import anchor

COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
CONTENTS = re.compile(r"(?:^- \[[^\]\n]*\]\(#[^)\n]*\)\n)+\n?", re.MULTILINE)  # written by hand
PUNCTUATED = re.compile(r'<span class="math inline">(?:(?!</span>).)*</span>[.,;:)?]+')
BREAK = re.compile(r"(?<=\w[/|])(?=\w)")  # where code may begin a new line

# The attributes of the HTML element of a link or a picture; None for a link that is only text.
Resolver = Callable[[str], dict[str, str] | None]


class Heading(NamedTuple):
    """A heading of a page."""

    level: int
    anchor: str
    text: str


class Document(NamedTuple):
    """A page as HTML."""

    html: str
    headings: tuple[Heading, ...]
    introduction: str
    """The first paragraph, as text."""
    sections: tuple[tuple[Heading, str], ...]
    """The text without markup below each heading."""


def render(text: str, resolve: Resolver) -> Document:
    """Return Markdown as HTML.

    Parameters
    ----------
    text
        The Markdown, with formulas as on GitHub: between dollars, or in a block ``math``.
    resolve
        A function that returns the attributes for the target of a link or a picture.

    Returns
    -------
    Document
        The HTML without comments and without a list of contents, which follows from the headings.
    """
    parser = _make_parser()
    tokens = parser.parse(CONTENTS.sub("", COMMENT.sub("", text), count=1))
    headings = tuple(_mark_headings(tokens))
    for token in tokens:
        _align(token)
        if token.children:
            token.children = list(_resolve(token.children, resolve))
    sections = tuple(_read_sections(tokens, headings))
    html = parser.renderer.render(tokens, parser.options, {}).replace("<th></th>", "<td></td>")
    html = PUNCTUATED.sub(r'<span class="unbroken">\g<0></span>', html)
    paragraphs = (
        _plain(following) for token, following in pairwise(tokens) if token.type == "paragraph_open"
    )
    return Document(html, headings, next(paragraphs, ""), sections)


def _read_sections(
    tokens: Sequence[Token], headings: Sequence[Heading]
) -> Iterator[tuple[Heading, str]]:
    """Yield each heading with the text below it, up to the next one."""
    starts = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
    for heading, (start, end) in zip(headings, pairwise([*starts, len(tokens)]), strict=True):
        below = tokens[start + 3 : end]  # after the heading and its end
        texts = (_plain(token) if token.children else token.content for token in below)
        yield heading, " ".join(filter(None, texts))


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    parser.add_render_rule("code_inline", _code_inline)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _formula(tex: str, options: dict[str, Any]) -> str:
    return typeset(tex, is_block=options["display_mode"])


def _code(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Return a block of code, or a formula. Keys scroll it where it is too wide."""
    token = tokens[index]
    if token.info.strip() == "math":
        formula = typeset(token.content, is_block=True)
        return f'<div class="scroll formula" tabindex="0">{formula}</div>\n'
    return f'<pre tabindex="0"><code>{escape(token.content, quote=False)}</code></pre>\n'


def _code_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Return code in a paragraph, which may break after a slash or a bar."""
    code = escape(tokens[index].content, quote=False)
    return f"<code>{BREAK.sub('<wbr>', code)}</code>"


def _plain(inline: Token) -> str:
    """Return the text of a heading or a paragraph without markup."""
    children = inline.children or []
    parts = (" " if child.type == "softbreak" else child.content for child in children)
    return "".join(parts)


def _mark_headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Give every heading an anchor and a link to itself, and yield it."""
    used: Counter[str] = Counter()
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = _plain(inline)
        name = anchor(text)
        used[name] += 1
        if used[name] > 1:
            name = f"{name}-{used[name] - 1}"
        token.attrSet("id", name)
        level = int(token.tag[1])
        yield Heading(level, name, text)
        if level > 1 and inline.children is not None:
            link = Token("link_open", "a", 1)
            link.attrs = {"class": "anchor", "href": f"#{name}", "aria-label": "Link to here"}
            symbol = Token("text", "", 0, content="#")
            inline.children += [link, symbol, Token("link_close", "a", -1)]


def _align(token: Token) -> None:
    """Replace the style of a cell, which the policy of the service forbids, by a class."""
    style = token.attrs.pop("style", None)
    if isinstance(style, str):
        token.attrSet("class", style.removeprefix("text-align:"))


def _resolve(tokens: Sequence[Token], resolve: Resolver) -> Iterator[Token]:
    """Yield the parts of a paragraph with the targets of links and pictures replaced."""
    are_open: list[bool] = []
    for token in tokens:
        if token.type == "image":
            token.attrs |= resolve(str(token.attrs["src"])) or {}
        elif token.type == "link_open" and "class" not in token.attrs:
            attributes = resolve(str(token.attrs["href"]))
            are_open.append(attributes is not None)
            if attributes is None:
                continue
            token.attrs |= attributes
        elif token.type == "link_open":
            are_open.append(True)
        elif token.type == "link_close" and not are_open.pop():
            continue
        yield token
