"""Where the reports of one run go: one on standard output, others into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from dpgate.errors import DpgateError, UndecidedError, UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from dpgate.model.values import Frozen
    from dpgate.report.interface import Reporter

F = TypeVar("F", bound=Callable[..., object])
_USUAL = ("text", "json")
"""Formats of every result: no need to ask what else is installed."""


@dataclass
class Outputs:
    """The reports that were asked for."""

    style: str = "text"
    """Format of standard output."""
    verb: str = ""
    """The command, as far as it is known."""
    spoken: bool = False
    """Whether somebody chose that format."""
    files: dict[Path, str] = field(default_factory=dict)
    """Formats by where their report goes."""
    written: bool = False
    """Whether the files hold this run's report, so that a later failure leaves them alone."""

    def result(self, result: Frozen) -> None:
        """Write a result everywhere.

        Raises:
            UndecidedError: a file cannot be written.
        """
        self._files(lambda reporter, out: reporter.result(result, out))
        _reporter(self.style).result(result, sys.stdout)

    def error(self, error: DpgateError) -> None:
        """Write an error everywhere; a person reads it on standard error."""
        self.files_only(error)
        if self.style != "text":
            _reporter(self.style).error(error, sys.stdout, self.verb)
        if self.style != "json":
            _reporter("text").error(error, sys.stderr)

    def files_only(self, error: DpgateError) -> None:
        """Write an error to the files, unless they hold a report already."""
        if self.written:
            return
        try:
            self._files(lambda reporter, out: reporter.error(error, out, self.verb))
        except DpgateError as second:
            _reporter("text").error(second, sys.stderr)

    def _files(self, write: Callable[[Reporter, TextIO], None]) -> None:
        self.written = True
        failed = [path for path, style in self.files.items() if not _wrote(path, style, write)]
        if failed:
            raise UndecidedError(
                f"no report could be written to {', '.join(map(str, failed))}",
                fix="make room for it, or give another path; what was decided stands all the same",
            )


def _reporter(style: str) -> Reporter:
    from dpgate.report.interface import get

    return get(style)


def _wrote(path: Path, style: str, write: Callable[[Reporter, TextIO], None]) -> bool:
    """Write one report beside its place and move it there, so that nobody reads half of one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with part.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
                write(_reporter(style), out)
                out.flush()
                os.fsync(out.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError:
        return False
    return True


class Format(click.ParamType):  # type: ignore[type-arg]  # generic only in newer clicks
    """A report format that can show what the command returns."""

    name = "format"

    def __init__(self, *verbs: str) -> None:
        self.verbs = verbs

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format, if there is one that shows it."""
        if value in _USUAL:
            return value
        from dpgate.report.interface import get

        try:
            for verb in self.verbs:
                get(value, verb)
        except UsageError as error:
            self.fail(f"{error.message}; {error.fix}", param, ctx)
        return value

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Formats of all results of the command."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]

    def _names(self) -> list[str]:
        from dpgate.report.interface import names

        shared = set.intersection(*(set(names(verb)) for verb in self.verbs))
        return sorted(shared)


class Output(Format):
    """``FORMAT=PATH``, where a report can be written."""

    name = "output"

    def convert(  # type: ignore[override]  # a pair, where a format is one word
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | None]:
        """Format and path; None for standard output."""
        style, equals, place = value.partition("=")
        if not equals or not style or not place:
            self.fail(f"expected FORMAT=PATH, not {value!r}", param, ctx)
        super().convert(style, param, ctx)
        if place == "-":
            return style, None
        path = Path(place)
        if path.is_dir() or (path.exists() and not path.is_file()):
            self.fail(f"{place} is no file that a report could be written to", param, ctx)
        if not path.absolute().parent.is_dir():
            self.fail(f"the folder of {place} does not exist; make it first", param, ctx)
        if not os.access(path.absolute().parent, os.W_OK):
            self.fail(f"the folder of {place} may not be written to", param, ctx)
        return style, path.absolute()

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Formats, then files after the equals sign."""
        style, equals, place = incomplete.partition("=")
        if not equals:
            found = super().shell_complete(ctx, param, incomplete)
            return [CompletionItem(f"{item.value}=") for item in found]
        parent = place[: place.rfind("/") + 1]
        names = sorted(
            f"{parent}{path.name}{'/' * path.is_dir()}"
            for path in (Path(parent or ".")).glob("*")
            if path.name.startswith(place[len(parent) :])
        )
        return [CompletionItem(f"{style}={name}") for name in names]


def _style(ctx: click.Context, param: click.Parameter, value: str) -> str:
    outputs = ctx.ensure_object(Outputs)
    outputs.verb = ctx.info_name or ""
    if ctx.get_parameter_source("style") is ParameterSource.COMMANDLINE:
        _speak(outputs, value, ctx, param)
    return outputs.style


def _places(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, Path | None], ...]
) -> None:
    outputs = ctx.ensure_object(Outputs)
    outputs.verb = ctx.info_name or ""
    for style, path in value:
        if path is None:
            _speak(outputs, style, ctx, param)
        elif path in outputs.files:
            raise click.BadParameter(f"two reports for {path}", ctx=ctx, param=param)
        else:
            outputs.files[path] = style


def _speak(outputs: Outputs, style: str, ctx: click.Context, param: click.Parameter) -> None:
    if outputs.spoken:
        raise click.BadParameter("two reports for standard output", ctx=ctx, param=param)
    outputs.spoken, outputs.style = True, style


_SHOWN = {
    "html": ("compare",),
    "markdown": ("check", "plan", "plans", "release", "verify", "compare"),
    "sarif": ("check", "plan", "plans", "release"),
    "junit": ("check", "plan", "plans", "release", "verify", "policy-test"),
    "github": ("check", "plan", "plans", "release", "verify", "policy-test"),
}
"""Which of the formats that come with dpgate show what, for ``--help``: it loads no reporter."""


def format_option(*verbs: str) -> Callable[[F], F]:
    """``--format``, read before all else, so that any error is told in it."""
    more = [name for name, shows in _SHOWN.items() if verbs and set(verbs) <= set(shows)]
    formats = "Text for people, or JSON whose `schema` field names its shape" + (
        f", or {', '.join(more)}." if more else "."
    )
    return click.option(
        "--format",
        "style",
        type=Format(*verbs) if verbs else click.Choice(_USUAL),
        metavar="FORMAT" if verbs else None,
        default="text",
        show_default=True,
        is_eager=True,
        callback=_style,
        help=formats,
    )


def output_option(*verbs: str) -> Callable[[F], F]:
    """``--output``, read after ``--format``."""
    return click.option(
        "--output",
        "outputs",
        type=Output(*verbs),
        multiple=True,
        metavar="FORMAT=PATH",
        is_eager=True,
        expose_value=False,
        callback=_places,
        help="Write a report to a file too, whatever the verdict, and if the run ends in an error. "
        "May be repeated; - is standard output, in place of --format.",
    )
