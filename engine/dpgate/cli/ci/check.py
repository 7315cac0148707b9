"""`dpgate ci check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dpgate.cli.ci.job import Job
from dpgate.cli.options import offline_option, root_option
from dpgate.errors import DpgateError

if TYPE_CHECKING:
    from dpgate.gate.request import RequestResult


@click.command(
    "check", short_help="Judge a request: rules, plans, policy; reports for its reviewers."
)
@click.option(
    "--base",
    metavar="REF",
    envvar="DPGATE_BASE",
    show_envvar=True,
    help="Branch or commit that the request asks to change; a pull request's own in a job of GitHub. "
    "Without one every manifest is judged.",
)
@click.option(
    "--rules-only", is_flag=True, help="Rules alone: no ledger is read, nothing is planned."
)
@click.option(
    "--allow-waiting",
    is_flag=True,
    help="End with 0 where only approvals are missing: they may be given after the merge.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write report.md, report.sarif, report.xml (JUnit) and report.json there.",
)
@root_option
@offline_option
@click.option(
    "--repo",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Release repository.  [default: here]",
)
def command(
    base: str | None,
    rules_only: bool,  # noqa: FBT001 - click's flag
    allow_waiting: bool,  # noqa: FBT001 - click's flag
    folder: Path | None,
    root: str | None,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
) -> None:
    """Judge what a request changes; documents are read and nothing of them is run.

    Rules are those of the request's own policy. Plans and approvals are judged by the adopted one, on
    the ledger. A request that changes the ledger's files or branch, or a manifest that was released,
    is denied. Exits 0 if every changed manifest may be released, 1 if anything denies it or an approval
    is missing.

    \b
    Examples
      dpgate ci check --base origin/main --report reports
      dpgate ci check --base "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --allow-waiting
    """
    from dpgate.cli.ci.reports import annotate, text, write

    job = Job()
    with job.quoted():
        commit, outcome = _outcome(job, repo, base, root, rules_only=rules_only, offline=offline)
        write(outcome, commit, job, folder)
        sys.stdout.write(text(outcome))
    annotate(outcome, job)
    waits = allow_waiting and getattr(outcome, "verdict", "") == "waiting"
    raise click.exceptions.Exit(0 if waits else outcome.exit_code)


def _outcome(
    job: Job, repo: Path, base: str | None, root: str | None, *, rules_only: bool, offline: bool
) -> tuple[str, RequestResult | DpgateError]:
    """The commit that was judged, where a pull request names it, and what came of it."""
    from dpgate.gate.changes import base_of
    from dpgate.gate.github.event import pull_request
    from dpgate.gate.request import judge_request

    commit = ""
    try:
        request = pull_request(job.environment)
        if request is not None:
            commit = request.head
            base = base or base_of(repo, request.base, request.base_commit)
        result = judge_request(repo, base=base, root=root, rules_only=rules_only, offline=offline)
    except DpgateError as error:
        return commit, error
    return commit, result
