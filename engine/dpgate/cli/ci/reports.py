"""Reports of a judged request: files, the job's summary, annotations, and text for the log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dpgate.cli.ci.job import Job
from dpgate.errors import DpgateError, UndecidedError
from dpgate.gate.request import RequestResult
from dpgate.model.values import Frozen
from dpgate.report.interface import get
from dpgate.report.words import inert

FILES: Mapping[str, str] = {
    "markdown": "report.md",
    "sarif": "report.sarif",
    "junit": "report.xml",
    "json": "report.json",
}
"""Names by format."""

Outcome = RequestResult | DpgateError


def write(outcome: Outcome, commit: str, job: Job, folder: Path | None) -> None:
    """Write every report: to the folder, if there is one, and to the job's summary and outputs.

    Raises:
        UndecidedError: a file cannot be written.
    """
    written = {style: rendered(style, outcome, commit) for style in FILES}
    job.summarize(written["markdown"])
    verdict = outcome.verdict if isinstance(outcome, RequestResult) else "error"
    job.output(verdict=verdict, exit_code=str(outcome.exit_code))
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for style, name in FILES.items():
            place = folder / name
            place.write_text(written[style], encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UndecidedError(
            f"no report could be written to {folder}: {error.strerror}", fix="--report DIR"
        ) from None
    job.output(**{style: str((folder / name).resolve()) for style, name in FILES.items()})


def rendered(style: str, outcome: Outcome, commit: str) -> str:
    """A report as text."""
    if style == "markdown":
        from dpgate.report.request import markdown

        return markdown(outcome, commit)
    return _shown(style, outcome)


def text(outcome: Outcome) -> str:
    """What a person reads in the log."""
    if isinstance(outcome, DpgateError):
        return _shown("text", outcome)
    planned = _shown("text", outcome.plans) if outcome.plans else ""
    policy = inert("".join(f"policy: {line}\n" for line in outcome.policy or ()))
    return "\n".join(filter(None, (planned, policy, _shown("text", outcome.check))))


def annotate(outcome: Outcome, job: Job) -> None:
    """Findings on the lines of the request's files, where GitHub shows them."""
    if job.github:
        sys.stdout.write(_shown("github", outcome))


def _shown(style: str, outcome: Frozen | DpgateError) -> str:
    import dpgate.report.request  # noqa: F401 - how a request is viewed

    page = StringIO()
    if isinstance(outcome, DpgateError):
        get(style).error(outcome, page)
    else:
        get(style).result(outcome, page)
    return page.getvalue()
