"""Annotations of GitHub Actions: workflow commands that show findings on the lines of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from dpgate.errors import DpgateError
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen
from dpgate.report.view import TESTED, View, view, view_of_error

_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


class GithubReporter:
    """One line a finding, and a sentence of what was decided, which is no command."""

    shows = TESTED

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        _write(view(result), out)

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work."""
        _write(view_of_error(error, verb), out)


def _write(shown: View, out: TextIO) -> None:
    if shown.failure:
        out.write(command("error", shown.failure, {"title": "dpgate"}))
    out.writelines(_lines(shown))
    out.write(f"dpgate {shown.verb}: {data(shown.summary)}\n")


def _lines(shown: View) -> Iterator[str]:
    for finding in shown.findings():
        yield _annotation(finding, "error" if finding.level == "deny" else "warning")
    for subject in shown.subjects:
        for finding in subject.lacking:
            yield _annotation(finding, "notice")


def _annotation(finding: Finding, level: str) -> str:
    place = {
        "file": finding.file,
        "line": finding.line,
        "endLine": finding.end_line,
        "col": finding.column,
        "endColumn": finding.end_column,
        "title": f"dpgate {finding.rule}",
    }
    fix = f"\nfix: {finding.fix}" if finding.fix else ""
    if finding.outcome == "waived":
        level = "notice"
    return command(level, f"{finding.message}{fix}", {k: str(v) for k, v in place.items() if v})


def command(name: str, message: str, properties: dict[str, str]) -> str:
    """A workflow command that nothing in its message or properties can end or extend."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{data(message)}\n"


def data(text: str) -> str:
    """Text as the message of a command: one line, in which nothing is a command of its own."""
    text = _BREAKS.sub("\ufffd", text).replace("##[", "## [")  # an older form of commands
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return data(text).replace(":", "%3A").replace(",", "%2C")
