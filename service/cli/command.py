"""A command whose options are those of a request, and which prints or writes its answer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from service.errors import Invalid

if TYPE_CHECKING:
    from service.cli.options import Form
    from service.operations.downloads import Download

COLUMNS: Final[tuple[str, ...]] = ("target", "inputs", "sequence", "time")  # of a file of data


class Answer(NamedTuple):
    """The answer to a request as text and as JSON, and how a file is made from its suffix."""

    text: str
    json: bytes
    make_file: "Callable[[str], bytes | Download] | None" = None


class RequestCommand(click.Command):
    """A command with the options of a request, whose model is imported when it is needed.

    Its callback receives the session, the request, the picture options, and arguments of its own,
    and returns an answer.

    Parameters
    ----------
    model
        The module and the name of the request model, as ``module:name``.
    example
        A command line that works.
    without
        Fields that are no options.
    files
        The suffixes of files that it can write.
    arguments
        Which field of the request an argument sets, and how it is read.
    """

    def __init__(
        self,
        *args: Any,
        model: str,
        example: str,
        without: Collection[str] = (),
        files: Sequence[str] = (),
        arguments: Mapping[str, tuple[str, Callable[[Any], Any]]] = MappingProxyType({}),
        **attributes: Any,
    ) -> None:
        attributes["epilog"] = f"\b\nExample:\n  {example}"
        super().__init__(*args, **attributes)
        self._model_path = model
        self._without = {"keep", *without}
        self._files = files
        self._arguments = arguments
        self._n_own = len(self.params)
        if files:
            text = f"Write a file: {', '.join(files)}, as its name ends."
            out = click.Path(path_type=Path, dir_okay=False)
            self.params.append(click.Option(["--out"], metavar="FILE", type=out, help=text))
        text = "Print the response of the HTTP API, with keep: false."
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help=text))

    @cached_property
    def forms(self) -> "dict[str, Form[Any]]":
        """The options of the request and of its picture, by the argument that they become."""
        from service.cli.options import Form

        module, _, name = self._model_path.partition(":")
        forms = {"request": Form(getattr(import_module(module), name), self._without)}
        if "png" in self._files:
            from service.schemas.pictures import PictureOptions

            forms["options"] = Form(PictureOptions)
        return forms

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all options: those of the command, of the request, and of the answer."""
        derived = (option for form in self.forms.values() for option, _ in form.options.values())
        params = super().get_params(ctx)
        return [*params[: self._n_own], *derived, *params[self._n_own :]]

    def invoke(self, ctx: click.Context) -> None:
        """Print the answer to the request, and write it to a file."""
        from service.cli.session import open_session, save

        given = {name for name, value in ctx.params.items() if value not in {None, ()}}
        out, as_json = ctx.params.pop("out", None), ctx.params.pop("as_json")
        if out is not None and out.suffix[1:] not in self._files:
            raise click.UsageError(f"--out: {out} must end in one of {', '.join(self._files)}")
        bodies = {name: form.take(ctx.params) for name, form in self.forms.items()}
        for name, (field, read) in self._arguments.items():
            if value := ctx.params.pop(name):
                bodies["request"][field] = read(value)
        columns = {name: ctx.params.pop(name) for name in COLUMNS if name in ctx.params}
        data = ctx.params.pop("data", None)
        try:
            with open_session() as session:
                if data is not None:
                    if "dataset" in bodies["request"]:
                        raise Invalid("a file of data replaces generated data", "/dataset")
                    bodies["request"]["dataset"] = session.store(data, columns)
                for name, form in self.forms.items():
                    ctx.params[name] = form.validate(bodies[name])
                ctx.params["session"] = session
                answer: Answer = super().invoke(ctx)
                if out is not None and answer.make_file is not None:
                    save(out, answer.make_file(out.suffix[1:]))
                click.echo(answer.json if as_json else answer.text)
        except Invalid as error:
            raise click.UsageError(self._explain(error, given)) from None

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
