"""What started a job: the pull request of an event file, as far as dpgate needs it.

Titles, bodies, branch names of the request and logins are never read: nothing that a stranger wrote
freely gets beyond this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpgate.errors import UsageError

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MOST_BYTES = 25_000_000


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request.

    Attributes:
        number: its number.
        base: branch that it asks to change.
        base_commit: that branch's commit when the event was made; it may be older than the branch.
        head: its own newest commit.
        fork: whether it comes from another repository, so that the job's token may only read.
    """

    number: int
    base: str
    base_commit: str
    head: str
    fork: bool


def pull_request(environment: Mapping[str, str]) -> PullRequest | None:
    """The pull request that started this job; None for any other event, or outside GitHub.

    Raises:
        UsageError: the event is one that hands secrets to a request's documents, or its file is not
            what GitHub writes.
    """
    name = environment.get("GITHUB_EVENT_NAME", "")
    if name in ("pull_request_target", "workflow_run", "issue_comment"):
        raise UsageError(
            f"a job of event {name} holds secrets and a token that writes, and must judge no request",
            fix="use on: pull_request, as the workflow of dpgate init does",
        )
    if name != "pull_request":
        return None
    try:
        with Path(environment.get("GITHUB_EVENT_PATH", "")).open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))["pull_request"]
        base, head = found["base"], found["head"]
        return PullRequest(
            number=_number(found["number"]),
            base=_branch(base["ref"]),
            base_commit=_commit(base["sha"]),
            head=_commit(head["sha"]),
            # The repository that a fork was made from may be gone: then it is no longer this one.
            fork=(head["repo"] or {}).get("id") != base["repo"]["id"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "GITHUB_EVENT_PATH names no event of a pull request", fix="runners set it"
        ) from None


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError
    return value


def _commit(value: Any) -> str:
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise ValueError
    return value


def _branch(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or value.startswith("-"):
        raise ValueError
    return value
