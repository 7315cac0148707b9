"""The client: pages, refusals, failures that pass, and a token that goes to one place only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from dpgate.errors import HostingError, UsageError
from dpgate.gate.github.api import Api, patiently
from tests.github import READ_ONLY, GitHub, serving


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving() as server:
        yield server


@pytest.fixture
def api(github: GitHub) -> Api:
    return Api.of(github.environment)


def test_lists_are_read_to_their_end(github: GitHub, api: Api) -> None:
    for number in range(250):
        github.comment(7, f"comment {number}")
    assert len(api.pages("issues/7/comments")) == 250
    assert len(github.requests) == 3


def test_what_is_written_arrives(github: GitHub, api: Api) -> None:
    made = api.post("issues/7/comments", {"body": "ε ≤ 1"})
    api.patch(f"issues/comments/{made['id']}", {"body": "ε ≤ 2"})
    (comment,) = github.comments[7]
    assert comment["body"] == "ε ≤ 2"


@pytest.mark.parametrize(("token", "status"), [("", 401), ("ghs_wrong", 401), (READ_ONLY, 403)])
def test_a_refusal_says_what_and_never_the_token(api: Api, token: str, status: int) -> None:
    with pytest.raises(HostingError) as refused:
        dataclasses.replace(api, token=token).post("issues/7/comments", {"body": "x"})
    assert (refused.value.status, refused.value.passing) == (status, False)
    assert not token or token not in str(refused.value)
    assert not token or token not in repr(dataclasses.replace(api, token=token))


def test_the_token_follows_no_redirect(github: GitHub, api: Api) -> None:
    with serving() as elsewhere:
        github.redirect = elsewhere.url
        with pytest.raises(HostingError, match="answered 302"):
            api.get("pulls/7")
        assert elsewhere.requests == []


@pytest.mark.parametrize("status", [500, 502, 503, 429, 403])
def test_a_failure_that_passes_is_waited_for(github: GitHub, api: Api, status: int) -> None:
    github.pull(7, head="c0ffee")
    github.flaky = [status] * 3
    waits: list[float] = []
    assert patiently(lambda: api.get("pulls/7"), waits.append)["number"] == 7
    assert waits == [0, 0, 0]


def test_a_failure_that_stays_is_given_up(github: GitHub, api: Api) -> None:
    github.broken = {"pulls": 502}
    waits: list[float] = []
    with pytest.raises(HostingError, match="answered 502"):
        patiently(lambda: api.get("pulls/7"), waits.append)
    assert waits == [1, 2, 4]
    assert len(github.requests) == 4


def test_a_refusal_is_not_repeated(github: GitHub, api: Api) -> None:
    with pytest.raises(HostingError, match="answered 404"):
        patiently(lambda: api.get("pulls/7"))
    assert len(github.requests) == 1


def test_a_server_that_is_not_there(api: Api) -> None:
    gone = dataclasses.replace(api, url="http://127.0.0.1:1")
    with pytest.raises(HostingError, match="cannot be reached") as failed:
        gone.get("pulls/7")
    assert failed.value.passing
    assert failed.value.exit_code == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", "file:///etc/passwd"),
        ("GITHUB_REPOSITORY", "acme/releases/../../user"),
        ("GITHUB_REPOSITORY", ""),
    ],
)
def test_variables_that_lead_elsewhere(github: GitHub, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        Api.of({**github.environment, name: value})


def test_a_list_that_is_none(github: GitHub, api: Api) -> None:
    github.pull(7, head="c0ffee")
    with pytest.raises(HostingError, match="else than a list"):
        api.pages("pulls/7")
