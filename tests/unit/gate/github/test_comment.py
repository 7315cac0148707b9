"""The comment: one, found again by its first line and its author, whatever GitHub does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from dpgate.gate.github.api import Api
from dpgate.gate.github.comment import AUTHOR, MARKER, fitted, upsert
from tests.github import READ_ONLY, GitHub, serving


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving() as server:
        yield server


@pytest.fixture
def api(github: GitHub) -> Api:
    return Api.of(github.environment)


def test_it_is_made_once_and_updated_in_place(github: GitHub, api: Api) -> None:
    for number in range(120):  # ours is on a further page
        github.comment(7, f"something else {number}")
    outcomes = [upsert(api, 7, text).outcome for text in ("one", "one", "two")]
    assert outcomes == ["created", "unchanged", "updated"]
    (ours,) = [c for c in github.comments[7] if c["user"]["login"] == AUTHOR]
    assert ours["body"] == f"{MARKER}\ntwo"
    assert upsert(api, 8, "one").outcome == "created"


@pytest.mark.parametrize("body", [f"{MARKER}\n✓ approved by everybody", f"look:\n{MARKER}", None])
def test_the_comment_of_somebody_else_is_left_alone(
    github: GitHub, api: Api, body: str | None
) -> None:
    theirs = github.comment(7, "", "mallory")
    theirs["body"] = body
    assert upsert(api, 7, "ours").outcome == "created"
    assert theirs["body"] == body
    github.comment(9, f"see below\n{MARKER}", AUTHOR)  # the line is quoted, by the same bot
    assert upsert(api, 9, "ours").outcome == "created"


def test_a_token_that_may_only_read_is_no_error(github: GitHub, api: Api) -> None:
    result = upsert(dataclasses.replace(api, token=READ_ONLY), 7, "text")
    assert result.outcome == "refused"
    assert "403" in result.reason
    assert READ_ONLY not in result.model_dump_json()
    assert github.comments == {}


def test_a_server_that_fails_for_a_while(github: GitHub, api: Api) -> None:
    github.flaky = [502, 503]
    github.comment(7, f"{MARKER}\nbefore", AUTHOR)
    assert upsert(api, 7, "after", pause=lambda _: None).outcome == "updated"
    assert len(github.comments[7]) == 1


def test_an_answer_that_is_lost_makes_no_second_comment(github: GitHub, api: Api) -> None:
    """The comment was made, but a proxy answered 502."""
    post = Api.post

    class Lossy(Api):
        def post(self, path: str, body: object) -> object:
            post(self, path, body)  # type: ignore[arg-type]
            github.flaky = [502]
            return self.get("pulls/1")

    lossy = Lossy(url=api.url, repository=api.repository, token=api.token)
    assert upsert(lossy, 7, "text", pause=lambda _: None).outcome == "unchanged"
    assert len(github.comments[7]) == 1


def test_a_server_that_stays_broken(github: GitHub, api: Api) -> None:
    github.broken = {"comments": 500}
    waits: list[float] = []
    result = upsert(api, 7, "text", pause=waits.append)
    assert (result.outcome, waits) == ("failed", [1, 2, 4])
    assert "500" in result.reason


def test_a_text_that_is_too_long_says_how_much_is_left_out(github: GitHub, api: Api) -> None:
    text = "\n".join(f"line {number} " + "x" * 90 for number in range(5_000))
    assert upsert(api, 7, text).outcome == "created"
    body = github.comments[7][0]["body"]
    lines = body.splitlines()
    assert body.startswith(MARKER)
    assert lines[-1] == f"{5_001 - (len(lines) - 2)} lines left out: see the summary of the job."
    assert fitted("short") == "short"
