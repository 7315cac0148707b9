"""Reviews on GitHub that a policy demands beside its own signatures.

Asked by the release job, before anything is spent. A review counts if it approved the very bytes of
manifest and dataset that are released, in a pull request that was merged and holds the commit that
brought the manifest. What is found is the word of the runner and of GitHub: it goes into the record
as that, and `verify` cannot see it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dpgate.errors import DpgateError, HostingError
from dpgate.gate.github.api import Api, patiently
from dpgate.ledger.store import Store
from dpgate.model.policy import GithubReviews
from dpgate.model.record import Reviewed

_TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")
_VERDICTS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


@dataclass(frozen=True)
class Witness:
    """What GitHub says of the reviews that one rule demands."""

    reviewed: Reviewed | None
    """None where it does not suffice."""
    problem: str = ""
    error: bool = False
    """GitHub could not be asked, which denies as well."""


def witness(
    store: Store, release: str, needed: tuple[GithubReviews, ...], environment: Mapping[str, str]
) -> tuple[Witness, ...]:
    """Ask GitHub about each rule's reviews; an answer is a value, whatever it is.

    Args:
        store: the repository, whose work tree holds the manifest.
        release: ``dataset/release``.
        needed: what the policy's rules demand.
        environment: ``GITHUB_API_URL``, ``GITHUB_REPOSITORY`` and ``GITHUB_TOKEN`` of the job.
    """
    if not needed:
        return ()
    try:
        api = Api.of(environment)
        asked = _Asked(api, _documents(store, release))
        pulls = [pull for pull in asked.pulls(_brought(store, release)) if pull.get("merged_at")]
        return tuple(_judged(asked, pulls, rule) for rule in needed)
    except DpgateError as error:
        return tuple(Witness(None, error.message, error=True) for _ in needed)
    except (LookupError, TypeError, AttributeError, ValueError):
        return tuple(Witness(None, "GitHub's answer is malformed", error=True) for _ in needed)


def _judged(asked: _Asked, pulls: list[dict[str, Any]], rule: GithubReviews) -> Witness:
    if not pulls:
        return Witness(None, "no merged pull request brought this manifest")
    best: tuple[int, tuple[str, ...]] = (int(pulls[0]["number"]), ())
    for pull in pulls:
        found = tuple(sorted(asked.approvers(pull, rule)))
        if len(found) >= rule.at_least:
            number = int(pull["number"])
            made = Reviewed(repository=asked.api.repository, pull=number, reviewers=found)
            return Witness(made)
        best = max(best, (int(pull["number"]), found), key=lambda each: len(each[1]))
    number, found = best
    have = ", ".join(found) or "nobody"
    return Witness(
        None, f"pull request #{number}: {have} approved these bytes, {rule.at_least} must"
    )


class _Asked:
    """One job's questions; each answer is asked for once."""

    def __init__(self, api: Api, documents: Mapping[str, str]) -> None:
        self.api = api
        self._documents = documents
        self._same: dict[str, bool] = {}
        self._reviews: dict[int, list[Any]] = {}
        self._members: dict[tuple[str, str], bool] = {}

    def pulls(self, commit: str) -> list[dict[str, Any]]:
        """Pull requests that hold a commit."""
        return patiently(lambda: self.api.pages(f"commits/{commit}/pulls"))

    def approvers(self, pull: Mapping[str, Any], rule: GithubReviews) -> Iterator[str]:
        """Who approved the documents as they are, and whom the rule lets count."""
        number = int(pull["number"])
        if number not in self._reviews:
            self._reviews[number] = patiently(lambda: self.api.pages(f"pulls/{number}/reviews"))
        last: dict[str, Any] = {}
        for review in self._reviews[number]:
            if review["state"] in _VERDICTS and review["user"]:
                last[str(review["user"]["login"])] = review
        for login, review in last.items():
            if (
                review["state"] == "APPROVED"
                and login.lower() != str(pull["user"]["login"]).lower()
                and self._counts(login, review, rule)
                and self._of_these_bytes(str(review["commit_id"]))
            ):
                yield login

    def _counts(self, login: str, review: Mapping[str, Any], rule: GithubReviews) -> bool:
        if not rule.users and not rule.teams:
            return review.get("author_association") in _TRUSTED
        known = {user.lower() for user in rule.users}
        return login.lower() in known or any(self._member(team, login) for team in rule.teams)

    def _member(self, team: str, login: str) -> bool:
        if (team, login) not in self._members:
            try:
                state = patiently(lambda: self.api.membership(team, login)).get("state")
            except HostingError as error:
                if error.status != 404:
                    raise
                state = None
            self._members[team, login] = state == "active"
        return self._members[team, login]

    def _of_these_bytes(self, commit: str) -> bool:
        """Whether a commit holds manifest and dataset byte for byte."""
        if commit not in self._same:
            self._same[commit] = all(
                self._blob(path, commit) == blob for path, blob in self._documents.items()
            )
        return self._same[commit]

    def _blob(self, path: str, commit: str) -> str:
        try:
            answer = patiently(lambda: self.api.get(f"contents/{quote(path)}", ref=commit))
        except HostingError as error:
            if error.status != 404:
                raise
            return ""
        return str(answer["sha"])


def _documents(store: Store, release: str) -> dict[str, str]:
    """Git's own digests of manifest and dataset as the work tree holds them."""
    paths = (
        f"releases/{release}/release.yaml",
        f"releases/{release.split('/', maxsplit=1)[0]}/dataset.yaml",
    )
    kind = hashlib.sha256 if len(_head(store)) == 64 else hashlib.sha1
    made = {}
    for path in paths:
        data = (Path(store.repo.working_dir) / path).read_bytes()
        made[path] = kind(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return made


def _brought(store: Store, release: str) -> str:
    """The last commit that changed the manifest, as far as this clone's history reaches."""
    path = f"releases/{release}/release.yaml"
    return store.git("log", "-1", "--format=%H", "--", path).decode().strip() or _head(store)


def _head(store: Store) -> str:
    return store.git("rev-parse", "HEAD").decode().strip()
