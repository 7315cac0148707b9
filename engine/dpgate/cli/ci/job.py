"""The job that runs: where its words go, and that no word of a document is taken for a command.

GitHub's runner obeys lines of a job's output. So whatever could hold a stranger's text is printed
between `stop-commands` and a token that nobody can guess; annotations alone are printed outside, with
their texts escaped.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from dpgate.errors import DpgateError

_MOST_SUMMARY = 900_000
"""Characters; GitHub takes 1 MiB a step."""


@dataclass(frozen=True)
class Job:
    """A job, of GitHub Actions or any other."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def github(self) -> bool:
        """Whether GitHub Actions runs it."""
        return self.environment.get("GITHUB_ACTIONS") == "true"

    @contextmanager
    def quoted(self) -> Iterator[None]:
        """What is printed within, errors too, is text and no command; an error ends the command."""
        token = secrets.token_hex(16)
        self._command("stop-commands", token)
        code = None
        try:
            yield
        except DpgateError as error:
            from dpgate.report.interface import get

            get("text").error(error, sys.stdout)
            code = error.exit_code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            self._command(token, "")
        if code is not None:
            raise click.exceptions.Exit(code)

    def summarize(self, text: str) -> None:
        """Add Markdown to the job's summary."""
        from dpgate.gate.github.comment import fitted

        path = self.environment.get("GITHUB_STEP_SUMMARY")
        if self.github and path:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(fitted(text, _MOST_SUMMARY).rstrip("\n") + "\n")

    def output(self, **values: str) -> None:
        """Set outputs of the step."""
        path = self.environment.get("GITHUB_OUTPUT")
        if not self.github or not path:
            return
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            for name, value in values.items():
                end = secrets.token_hex(16)
                file.write(f"{name.replace('_', '-')}<<{end}\n{value}\n{end}\n")

    def tell(self, level: str, text: str) -> None:
        """A line of our own, as an annotation (`notice`, `warning`) where GitHub runs the job."""
        if self.github:
            self._command(f"{level} title=dpgate", _escaped(text))
        else:
            click.echo(f"{level}: {text}")

    def _command(self, name: str, value: str) -> None:
        if self.github:
            sys.stdout.write(f"::{name}::{value}\n")
            sys.stdout.flush()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
