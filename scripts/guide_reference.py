"""The reference of the client and of the command line as Markdown, from their docstrings."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import griffe

from scripts.openapi_models import make_table
from service.cli import PROGRAM, cli

ROOT = Path(__file__).parents[1]
RESULTS = ("_sync.results", "_sync.pictures")  # modules with the classes that methods return
KEYWORDS = "_requests"  # the module with the keywords of methods
ERRORS = ("linear_rnn._errors.", "linear_rnn._finished.")
REQUESTS = ("linear_rnn._inputs.", "linear_rnn._models.")  # modules with the parts of requests
MODELS = ("linear_rnn._models.", "linear_rnn._estimates.")  # bases whose fields are listed
MODULE = re.compile(r"\b[imqr]\.(?=[A-Z])")  # the short names of modules in annotations
EXAMPLE = re.compile(r"^>>> (?:.*\n?)*?(?=\n|\Z)", re.MULTILINE)
PREFIXES = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
FIELDS = ("field", "type", "meaning")  # the header of a table
WIDTH = 80  # of a signature in one line

Class = griffe.Class
Sections = list[griffe.DocstringSection]


# The client


def describe_client() -> str:
    """Return the reference of the package ``linear_rnn``."""
    package = griffe.load("linear_rnn", search_paths=[ROOT / "client"], docstring_parser="numpy")
    exported = {name: _target(package[name]) for name in map(str, package.exports or [])}
    client = exported.pop("Client")
    errors = {name: each for name, each in exported.items() if each.path.startswith(ERRORS)}
    requests = {name: each for name, each in exported.items() if each.path.startswith(REQUESTS)}
    keywords = dict(_classes(package[KEYWORDS]))
    results = {name: each for module in RESULTS for name, each in _classes(package[module])}
    parts = [
        "# Python reference\n",
        "The classes of the package `linear_rnn`, which [linear-rnn-client](../client/README.md) "
        "introduces. `AsyncClient` has the methods of `Client` as coroutines.\n",
    ]
    for group in ({"Client": client}, keywords, results, requests, errors):
        for name, each in group.items():
            parts += _describe_class(name, each)
    return "\n".join(parts)


def _classes(module: Any) -> list[tuple[str, Class]]:
    """Return the public classes of a module by their names."""
    members = module.members.items()
    return [(name, each) for name, each in members if isinstance(each, Class) and name[0] != "_"]


def _target(member: Any) -> Any:
    """Return what an alias, such as an import, refers to."""
    return member.final_target if member.is_alias else member


def _describe_class(name: str, described: Class) -> Iterator[str]:
    """Yield the docstring of a class, its fields, and its methods."""
    yield f"## {name}\n"
    if "__init__" in described.members and described.members["__init__"].docstring is None:
        yield from _signature(name, described.members["__init__"])
    yield from _sections(described.docstring)
    modules = (".results.", f".{KEYWORDS}.")
    bases = [base.name for base in described.resolved_bases if any(m in base.path for m in modules)]
    if bases:
        yield f"It also has the members of {', '.join(f'[{b}](#{b.lower()})' for b in bases)}.\n"
    inherited = {
        key: member
        for key, member in described.inherited_members.items()
        if member.final_target.path.startswith(MODELS)
    }
    members = {
        key: member
        for key, member in (described.members | inherited).items()
        if key[0] != "_" and member.docstring
    }
    fields = [
        (f"`{key}`", f"`{_annotation(_target(member).annotation)}`", _first_text(member.docstring))
        for key, member in members.items()
        if member.is_attribute
    ]
    if fields:
        yield make_table(FIELDS, fields) + "\n"
    for key, member in members.items():
        if member.is_function:
            yield f"### {name}.{key}\n"
            yield from _signature(f"{name}.{key}", member)
            yield from _sections(member.docstring)


def _signature(name: str, function: Any) -> Iterator[str]:
    """Yield the call of a function with its types, in one line if that is short."""
    parameters: list[str] = []
    is_keyword_only = False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        prefix = PREFIXES.get(parameter.kind, "")
        if parameter.kind is griffe.ParameterKind.keyword_only and not is_keyword_only:
            parameters.append("*")
            is_keyword_only = True
        text = f"{prefix}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {_annotation(parameter.annotation)}"
        if parameter.default is not None and not prefix:
            text += f" = {parameter.default}"
        parameters.append(text)
    returns = None if function.name == "__init__" else function.returns
    result = "" if returns is None else f" -> {_annotation(returns)}"
    line = f"{name}({', '.join(parameters)}){result}"
    if len(line) > WIDTH:
        lines = "".join(f"    {parameter},\n" for parameter in parameters)
        line = f"{name}(\n{lines}){result}"
    yield f"```python\n{line}\n```\n"


def _annotation(annotation: Any) -> str:
    return MODULE.sub("", str(annotation)).replace('"', "").replace("'", "")


def _first_text(docstring: Any) -> str:
    return " ".join(docstring.parsed[0].value.split())


def _sections(docstring: Any) -> Iterator[str]:
    """Yield the sections of a docstring."""
    for section in docstring.parsed if docstring else ():
        kind = section.kind.value
        if kind == "text":
            yield f"{EXAMPLE.sub(_fence, section.value)}\n"
        elif kind == "admonition":
            yield f"{section.value.contents}\n"
        elif kind == "attributes":
            items = [
                (
                    f"`{item.name}`",
                    f"`{_annotation(item.annotation)}`",
                    " ".join(item.description.split()),
                )
                for item in section.value
            ]
            yield make_table(FIELDS, items) + "\n"
        else:
            yield f"**{kind.capitalize()}**\n"
            for item in section.value:
                term = item.name if hasattr(item, "name") else item.annotation
                yield f"- `{term}`: {' '.join(item.description.split())}"
            yield ""


def _fence(example: re.Match[str]) -> str:
    return f"```python\n{example[0].rstrip()}\n```\n"


# The command line


def describe_commands() -> str:
    """Return the reference of the command ``linear-rnn``."""
    parts = ["# Command line\n"]
    parts += _describe_command(cli, click.Context(cli, info_name=PROGRAM), level=2)
    return "\n".join(parts)


def _describe_command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """Yield the usage, the help and the options of a command, then its commands."""
    if context.parent is not None:
        yield f"{'#' * min(level, 3)} {context.command_path}\n"
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"```sh\n{usage}\n```\n"
    yield from _paragraphs(command.help)
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    options = [
        (f"`{record[0]}`", " ".join(record[1].split()))
        for record in records
        if record and record[1] and "--help" not in record[0]
    ]
    if options:
        yield make_table(("option", "meaning"), options)
    yield from _paragraphs(command.epilog)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                own = click.Context(child, info_name=name, parent=context)
                yield from _describe_command(child, own, level + (context.parent is not None))


def _paragraphs(text: str | None) -> Iterator[str]:
    """Yield the paragraphs of a help text; indented lines are code."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        lines = paragraph.replace("\b\n", "").split("\n")
        code = [line.strip() for line in lines if line.startswith("  ")]
        yield "\n".join(line for line in lines if not line.startswith("  ")) + "\n"
        if code:
            yield "\n".join(["```sh", *code, "```\n"])
