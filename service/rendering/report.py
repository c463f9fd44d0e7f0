"""The report of a fit: one HTML file without scripts, which any browser opens and prints."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from service import __version__
from service.rendering.requests import ReportRequest

TEMPLATE: Final = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))


def write_report(request: ReportRequest, pictures: Mapping[str, bytes]) -> bytes:
    """Return a report as HTML.

    Parameters
    ----------
    request
        The fit.
    pictures
        SVG files by their captions.

    Returns
    -------
    bytes
        The file. All texts are escaped, and pictures are images, in which nothing runs.
    """
    result = request.result
    summary = result.get("summary") or {"headline": f"Fit of {result['target']}", "sentences": []}
    made = json.loads(request.http_request)["of"]
    body = json.dumps(made["body"], indent=2, ensure_ascii=False)
    page = TEMPLATE.substitute(
        headline=escape(summary["headline"]),
        sentences="\n".join(f"<p>{escape(each)}</p>" for each in summary["sentences"]),
        figures="\n".join(_figure(*each) for each in pictures.items()),
        rows="\n".join(
            f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>"
            for term, text in _describe_table(result, made["body"])
        ),
        request=escape(f"{made['method']} {made['path']}\n{body}"),
        version=escape(f"linear-rnn {__version__}, {request.name}"),
    )
    return page.encode()


def _figure(caption: str, picture: bytes) -> str:
    source = f"data:image/svg+xml;base64,{b64encode(picture).decode()}"
    text = escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _describe_table(
    result: Mapping[str, Any], request: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the roles of columns, what was repaired and what was noticed."""
    yield "Target", f"{result['target']} ({result['n_targets']} values)"
    yield "Inputs", ", ".join(each["name"] for each in result["inputs"]) or "none"
    if result.get("sequence_names"):
        yield "Sequences", ", ".join(result["sequence_names"])
    yield "Step", f"{request['step']['length']:g} {request['step']['unit']}"
    yield "Repairs", "; ".join(result.get("repairs") or ()) or "none"
    for each in result.get("assumptions") or ():
        yield "Noticed", each["sentence"]
