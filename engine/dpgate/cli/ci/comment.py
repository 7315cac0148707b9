"""`dpgate ci comment`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.ci.job import Job


@click.command("comment", short_help="Write a report to the pull request, in one comment.")
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--author",
    default="github-actions[bot]",
    show_default=True,
    help="Login that GITHUB_TOKEN writes as; comments of others are left alone.",
)
def command(report: Path, author: str) -> None:
    """Make dpgate's comment on the pull request of this job, or bring it up to date in place.

    It reads GITHUB_EVENT_PATH, GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN. A token that may
    not write (that of a pull request from a fork) and a GitHub that stays out of order are told in an
    annotation and are no failure: the verdict is the other step's, and the job's summary has the report.

    \b
    Examples
      dpgate ci comment "$RUNNER_TEMP/dpgate/report.md"
    """
    job = Job()
    with job.quoted():
        from dpgate.errors import UsageError
        from dpgate.gate.github.api import Api
        from dpgate.gate.github.comment import upsert
        from dpgate.gate.github.event import pull_request

        request = pull_request(job.environment)
        if request is None:
            raise UsageError(
                "no pull request started this job", fix="run it on: pull_request, or leave it out"
            )
        text = report.read_text(encoding="utf-8", errors="replace")
        result = upsert(Api.of(job.environment), request.number, text, author=author)
    if result.outcome == "refused":
        why = (
            "its token may only read, as GitHub has it for forks" if request.fork else result.reason
        )
        job.tell("notice", f"no comment was written: {why}. The job's summary has the report")
    elif result.outcome == "failed":
        job.tell(
            "warning", f"no comment was written: {result.reason}. The job's summary has the report"
        )
    else:
        click.echo(f"comment {result.outcome}")
