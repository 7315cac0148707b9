"""Event files as GitHub writes them, cut to what a test may look at, hostile texts included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOSTILE = (
    "$(touch pwned) `touch pwned` ${{ secrets.KEY }}\n::set-output name=verdict::allowed\n"
    "::stop-commands::x %0A::error::forged ##[error]forged '; touch pwned #\" && touch pwned"
)
"""In every text that a stranger writes freely."""
REPOSITORY = "acme/releases"


def repository(identity: int, name: str) -> dict[str, Any]:
    return {
        "id": identity, "full_name": name, "private": False, "fork": name != REPOSITORY,
        "default_branch": "main", "description": HOSTILE, "owner": {"login": name.split("/", maxsplit=1)[0]},
    }  # fmt: skip


def pull_request(
    *, number: int, base: str, head: str, action: str = "opened", fork: bool = False,
    gone: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A `pull_request` event; `gone`: the fork was deleted meanwhile."""
    here = repository(101, REPOSITORY)
    there = repository(202, "stranger/releases") if fork else here
    label = "stranger" if fork else "acme"
    body: dict[str, Any] = {
        "action": action,
        "number": number,
        "repository": here,
        "sender": {"login": label, "type": "User"},
        "pull_request": {
            "id": 1, "number": number, "state": "open", "draft": False,
            "title": HOSTILE, "body": HOSTILE, "user": {"login": label, "type": "User"},
            "html_url": f"https://github.invalid/{REPOSITORY}/pull/{number}",
            "author_association": "NONE" if fork else "MEMBER", "merged": False,
            "labels": [{"name": HOSTILE}],
            "base": {"label": "acme:main", "ref": "main", "sha": base, "repo": here},
            "head": {
                "label": f"{label}:$(touch${{IFS}}pwned)", "ref": "$(touch${IFS}pwned)",
                "sha": head, "repo": None if gone else there,
            },
        },
    }  # fmt: skip
    if action == "synchronize":
        body |= {"before": base, "after": head}
    return body


def push(*, before: str, after: str) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main", "before": before, "after": after, "created": False,
        "deleted": False, "forced": False, "repository": repository(101, REPOSITORY),
        "pusher": {"name": "acme"}, "head_commit": {"id": after, "message": HOSTILE},
        "commits": [{"id": after, "message": HOSTILE}],
    }  # fmt: skip


def write(folder: Path, event: dict[str, Any]) -> Path:
    path = folder / "event.json"
    path.write_text(json.dumps(event, indent=2))
    return path
