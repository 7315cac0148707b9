"""The one comment of dpgate on a pull request: made once, then kept up to date in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from dpgate.errors import HostingError
from dpgate.gate.github.api import Api, patiently
from dpgate.model.values import Frozen, counted

MARKER = "<!-- dpgate: this comment is kept up to date -->"
"""Its first line, by which it is found again."""
AUTHOR = "github-actions[bot]"
"""Who writes with the token of a job."""
_MOST = 65_000
"""Characters; GitHub takes 65,536."""
_MAY_NOT = (401, 403, 404)


class CommentResult(Frozen):
    """What became of a comment."""

    schema_: Annotated[Literal["dpgate.comment/v1"], Field(alias="schema")] = "dpgate.comment/v1"
    outcome: Literal["created", "updated", "unchanged", "refused", "failed"]
    """`refused`: the token may not write, as on a pull request from a fork."""
    number: int
    reason: str = ""
    """Why there is none, for the last two."""


def upsert(
    api: Api,
    number: int,
    text: str,
    *,
    author: str = AUTHOR,
    pause: Callable[[float], None] = time.sleep,
) -> CommentResult:
    """Make the comment, or bring it up to date. No failure of GitHub's is an error here.

    A comment counts as ours by its first line and its author: anybody can write that line, and who
    wrote a comment can edit it later.

    Args:
        api: the repository; its token needs `pull-requests: write`.
        number: of the pull request.
        text: Markdown.
        author: login that the token writes as.
        pause: waits for so many seconds between attempts.
    """
    body = fitted(f"{MARKER}\n{text}")

    def write() -> CommentResult:
        # Everything again on a further attempt: a request whose answer was lost may have been done.
        ours = [c for c in api.pages(f"issues/{number}/comments") if _is_ours(c, author)]
        if not ours:
            api.post(f"issues/{number}/comments", {"body": body})
            return CommentResult(outcome="created", number=number)
        if ours[0]["body"] == body:
            return CommentResult(outcome="unchanged", number=number)
        api.patch(f"issues/comments/{int(ours[0]['id'])}", {"body": body})
        return CommentResult(outcome="updated", number=number)

    try:
        return patiently(write, pause)
    except HostingError as error:
        may_not = error.status in _MAY_NOT and not error.passing
        outcome: Literal["refused", "failed"] = "refused" if may_not else "failed"
        return CommentResult(outcome=outcome, number=number, reason=error.message)


def fitted(text: str, most: int = _MOST) -> str:
    """A text that GitHub takes: whole lines from its start, and how many were left out."""
    if len(text) <= most:
        return text
    kept: list[str] = []
    length = 200  # of the last line
    lines = text.splitlines()
    for line in lines:
        length += len(line) + 1
        if length > most:
            break
        kept.append(line)
    missing = counted(len(lines) - len(kept), "line")
    return "\n".join([*kept, "", f"{missing} left out: see the summary of the job."])


def _is_ours(comment: Any, author: str) -> bool:
    body = comment.get("body") or ""
    login = (comment.get("user") or {}).get("login")
    return login == author and body.splitlines()[:1] == [MARKER]
