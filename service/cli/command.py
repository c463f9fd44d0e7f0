"""A command whose options are those of a request, and which prints or writes the answer."""

from collections.abc import Collection
from functools import cached_property
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.text import format_example
from service.errors import Invalid, Malformed

if TYPE_CHECKING:
    from service.cli.options import Form
    from service.cli.tasks import Task


class TaskCommand(click.Command):
    """A command that answers a request. What takes long to import waits for its options.

    Parameters
    ----------
    name
        The name of the command and of its task.
    example
        A command line that works.
    without
        Fields of the request that are no options.
    """

    def __init__(
        self, name: str, *, example: str, without: Collection[str] = (), **attributes: Any
    ) -> None:
        super().__init__(name, epilog=format_example(example), **attributes)
        self._without = {"keep", *without}

    @cached_property
    def task(self) -> "Task":
        """What the command does."""
        from service.cli.tasks import TASKS

        return TASKS[str(self.name)]

    @cached_property
    def forms(self) -> "dict[str, Form[Any]]":
        """The options of the request, of a picture, and of a file with a series."""
        from service.api.query_params import DatasetQuery
        from service.cli.options import Form
        from service.schemas.pictures import PictureOptions

        forms: dict[str, Form[Any]] = {"request": Form(self.task.model, self._without)}
        if "png" in self.task.suffixes:
            forms["style"] = Form(PictureOptions)
        if self.task.takes_series:
            forms["columns"] = Form(DatasetQuery, {"kind", "name"})
        return forms

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all options: those of the command, of the request, and of the answer."""
        derived = [each.option for form in self.forms.values() for each in form.options.values()]
        suffixes, path = ", ".join(self.task.suffixes), click.Path(path_type=Path, dir_okay=False)
        text = f"Write a file: {suffixes}, as its name ends."
        out = click.Option(["--out"], metavar="FILE", type=path, help=text)
        text = "Print the response of the HTTP API, with keep: false."
        as_json = click.Option(["--json", "as_json"], is_flag=True, help=text)
        own = [*self.params, *derived, *([out] if suffixes else []), as_json]
        return [*own, *filter(None, [self.get_help_option(ctx)])]

    def invoke(self, ctx: click.Context) -> None:
        """Print the answer to the request, and write it to a file."""
        from service.api.field_errors import validate
        from service.cli.options import read_value
        from service.cli.session import open_session, save, store_file
        from service.schemas.pictures import PictureOptions

        params = ctx.params
        given = {name for name, value in params.items() if value not in {None, ()}}
        out = params.get("out")
        if out is not None and out.suffix[1:] not in self.task.suffixes:
            message = f"--out: {out} must end in one of {', '.join(self.task.suffixes)}"
            raise click.UsageError(message)
        parts = {name: form.take(params) for name, form in self.forms.items()}
        body = parts["request"]
        if params.get("sequences"):
            sequences = (text.split(",") for text in params["sequences"])
            body["inputs"] = [[*map(read_value, sequence)] for sequence in sequences]
        try:
            with open_session() as session:
                if params.get("data") is not None:
                    if "dataset" in body:
                        raise Invalid("a file of data replaces generated data", "/dataset")
                    body["dataset"] = store_file(params["data"], parts.get("columns"), session)
                request = validate(body, self.task.model)
                options = validate(parts.get("style", {}), PictureOptions)
                json, make_file = self.task.answer(request, session)
                if out is not None:
                    save(out, make_file(out.suffix[1:], options), session)
        except Invalid as error:
            raise click.UsageError(self._explain(error, given)) from None
        except Malformed as error:
            raise click.UsageError(f"{params['data']}: {error}") from None
        is_json = params["as_json"]
        click.echo(json.decode() if is_json else self.task.describe(loads(json)))

    def _explain(self, error: Invalid, given: Collection[str]) -> str:
        """Return what is wrong, and with which option."""
        if not error.errors:
            return error.detail
        first = error.errors[0]
        if first.parameter is not None:
            return f"--{first.parameter}: {first.detail}"
        pointer = first.pointer or ""
        for form in self.forms.values():
            option = form.find_option(pointer, given)
            if option is not None:
                detail = first.detail.replace("an object", str(option.metavar))
                return f"{option.opts[0]}: {detail}"
        return f"{pointer[1:] or 'options'}: {first.detail}"
