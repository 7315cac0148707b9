"""Events: what is read of one, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dpgate.errors import UsageError
from dpgate.gate.github.event import pull_request
from tests import events

BASE, HEAD = "b" * 40, "c" * 40


def given(folder: Path, event: dict[str, Any], name: str = "pull_request") -> dict[str, str]:
    return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(events.write(folder, event))}


@pytest.mark.parametrize("action", ["opened", "synchronize"])
@pytest.mark.parametrize(("fork", "gone"), [(False, False), (True, False), (True, True)])
def test_a_pull_request(tmp_path: Path, action: str, fork: bool, gone: bool) -> None:
    event = events.pull_request(number=7, base=BASE, head=HEAD, action=action, fork=fork, gone=gone)
    found = pull_request(given(tmp_path, event))
    assert found is not None
    assert (found.number, found.base, found.base_commit, found.head, found.fork) == (
        7, "main", BASE, HEAD, fork,
    )  # fmt: skip
    assert "touch" not in repr(found)


def test_other_events_have_none(tmp_path: Path) -> None:
    event = events.push(before=BASE, after=HEAD)
    assert pull_request(given(tmp_path, event, "push")) is None
    assert pull_request({}) is None


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment"])
def test_events_with_secrets_are_refused(tmp_path: Path, name: str) -> None:
    event = events.pull_request(number=7, base=BASE, head=HEAD, fork=True)
    with pytest.raises(UsageError, match="must judge no request"):
        pull_request(given(tmp_path, event, name))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("number",), "7"),
        (("number",), True),
        (("number",), 0),
        (("head", "sha"), "$(touch pwned)"),
        (("base", "sha"), None),
        (("base", "ref"), "--upload-pack=touch pwned"),
        (("base", "ref"), "main\n::error::x"),
        (("base", "repo"), None),
        (("head",), []),
    ],
)
def test_an_event_that_github_would_not_write(
    tmp_path: Path, path: tuple[str, ...], value: Any
) -> None:
    event = events.pull_request(number=7, base=BASE, head=HEAD)
    place = event["pull_request"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(UsageError, match="no event of a pull request"):
        pull_request(given(tmp_path, event))


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"pull_request": None})])
def test_a_file_that_holds_no_event(tmp_path: Path, text: str) -> None:
    (tmp_path / "event.json").write_text(text)
    environment = {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }
    with pytest.raises(UsageError, match="no event"):
        pull_request(environment)
    with pytest.raises(UsageError, match="no event"):
        pull_request({"GITHUB_EVENT_NAME": "pull_request"})
