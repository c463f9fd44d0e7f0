"""The pages of the problem types, to which the problems link."""

import html
from string import Template
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.errors import EXPLANATIONS, PROBLEM_TYPES, TYPE_PREFIX
from service.api.responses import content_response
from service.errors import NotFound

HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}
PAGE: Final = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light">
<title>$title</title>
<h1>$title</h1>
<p>$explanation</p>
<p>HTTP status $status. The fields detail and errors of the response say what is wrong with the
request. The <a href="$root/docs">documentation</a> lists all fields and their limits.</p>
</html>
""")
PROBLEMS: Final = {kind.slug: kind for kind in PROBLEM_TYPES}

router = APIRouter(include_in_schema=False)


@router.get(f"{TYPE_PREFIX}{{slug}}")
async def problem_page(request: Request, slug: str) -> Response:
    """Return a page that explains a type of problem."""
    if slug not in PROBLEMS:
        raise NotFound(f"there is no problem {slug[:80]!r}; there are {', '.join(PROBLEMS)}")
    kind = PROBLEMS[slug]
    page = PAGE.substitute(
        title=html.escape(kind.title),
        explanation=html.escape(EXPLANATIONS[kind]),
        status=kind.status,
        root=html.escape(request.scope.get("root_path", "")),
    )
    return content_response(request, page.encode(), "text/html", HEADERS)
