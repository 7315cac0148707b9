"""A GitHub of our own: a local HTTP server that speaks the few calls that dpgate and its action use.

    with serving() as github:
        github.pull(7, head="c0ffee…", merged="beef…")
        github.review(7, "ann", "APPROVED")
        environment = github.environment          # GITHUB_API_URL, GITHUB_TOKEN, GITHUB_REPOSITORY

What it holds is plain data that a test fills and reads; every request is kept in `requests`. It answers
as GitHub does where dpgate looks: 401 without the token, 403 for a token that may not write, 404 for what
is not there, pages with a `Link` header. `broken` makes it answer a path with a status instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/releases"
TOKEN = "ghs_a-token-of-the-tests"
READ_ONLY = "ghs_a-token-that-may-only-read"
"""What a pull request from a fork gets."""

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class GitHub:
    """What the server knows, and what it was asked."""

    url: str = ""
    pulls: dict[int, Json] = field(default_factory=dict)
    reviews: dict[int, list[Json]] = field(default_factory=dict)
    """By number of the pull request, oldest first."""
    files: dict[int, list[str]] = field(default_factory=dict)
    """Paths that a pull request changes."""
    comments: dict[int, list[Json]] = field(default_factory=dict)
    """By number of the issue or pull request, oldest first."""
    commits: dict[str, list[int]] = field(default_factory=dict)
    """Commits and the pull requests that contain them."""
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Files by commit (or ref) and path."""
    teams: dict[str, set[str]] = field(default_factory=dict)
    """``org/team`` and the logins of its members."""
    sarif: list[Json] = field(default_factory=list)
    """Uploads to code scanning."""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path with query, and decoded body of every request."""
    broken: dict[str, int] = field(default_factory=dict)
    """Regular expressions of paths that are answered with a status."""
    flaky: list[int] = field(default_factory=list)
    """Statuses that the next requests get, one each, with `Retry-After: 0`."""
    redirect: str = ""
    """Where every request is sent on to, if anywhere."""
    page: int = 30
    """How many items a page holds unless asked for fewer."""
    _lock: Lock = field(default_factory=Lock)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that a runner would set."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
        }

    # ── what a test fills in ─────────────────────────────────────────────────────────────────

    def pull(
        self, number: int, *, head: str, merged: str | None = None, author: str = "author",
        base: str = "main", paths: tuple[str, ...] = (),
    ) -> Json:  # fmt: skip
        """A pull request; `merged` is the commit that merged it, None while it is open."""
        made = {
            "number": number, "state": "closed" if merged else "open",
            "user": {"login": author}, "head": {"sha": head}, "base": {"ref": base},
            "merged_at": "2026-11-22T10:00:00Z" if merged else None, "merge_commit_sha": merged,
        }  # fmt: skip
        self.pulls[number] = made
        self.files[number] = list(paths)
        for sha in {head, merged} - {None}:
            self.commits.setdefault(str(sha), []).append(number)
        return made

    def review(
        self, number: int, login: str, state: str, *, commit: str = "", association: str = "MEMBER"
    ) -> Json:
        """A review: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED; of the head unless said."""
        reviews = self.reviews.setdefault(number, [])
        made = {
            "id": 1000 * number + len(reviews), "user": {"login": login}, "state": state,
            "commit_id": commit or self.pulls[number]["head"]["sha"],
            "author_association": association,
            "submitted_at": f"2026-11-22T10:{len(reviews):02}:00Z",
        }  # fmt: skip
        reviews.append(made)
        return made

    def comment(self, number: int, body: str, login: str = "somebody") -> Json:
        """A comment that is there already."""
        identity = 1 + sum(len(found) for found in self.comments.values())
        made = {"id": identity, "body": body, "user": {"login": login}}
        made["html_url"] = f"https://github.invalid/{REPOSITORY}/issues/{number}#{identity}"
        self.comments.setdefault(number, []).append(made)
        return made

    # ── what it answers ──────────────────────────────────────────────────────────────────────

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """Status and body for one request."""
        with self._lock:
            for pattern, status in self.broken.items():
                if re.search(pattern, path):
                    return status, {"message": "broken by the test"}
            for wanted, pattern, respond in _ROUTES:
                match = re.fullmatch(pattern, path)
                if match and wanted == method:
                    return respond(self, match.groups(), query, body)
        return 404, {"message": "Not Found"}

    def _pulls_of(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        numbers = self.commits.get(given[0])
        if numbers is None:
            return 422, {"message": f"No commit found for SHA: {given[0]}"}
        return 200, [self.pulls[number] for number in numbers]

    def _pull(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        found = self.pulls.get(int(given[0]))
        return (200, found) if found else (404, {"message": "Not Found"})

    def _reviews(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        if int(given[0]) not in self.pulls:
            return 404, {"message": "Not Found"}
        return 200, self.reviews.get(int(given[0]), [])

    def _files(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        return 200, [{"filename": name} for name in self.files.get(int(given[0]), [])]

    def _contents(
        self, given: tuple[str, ...], query: dict[str, list[str]], _body: object
    ) -> Answer:
        data = self.contents.get((query.get("ref", ["main"])[0], given[0]))
        if data is None:
            return 404, {"message": "Not Found"}
        sha = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        text = base64.encodebytes(data).decode()
        return 200, {"type": "file", "path": given[0], "sha": sha, "content": text}

    def _member(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        organization, team, login = given
        if login in self.teams.get(f"{organization}/{team}", set()):
            return 200, {"state": "active", "role": "member"}
        return 404, {"message": "Not Found"}

    def _list_comments(self, given: tuple[str, ...], _query: object, _body: object) -> Answer:
        return 200, self.comments.get(int(given[0]), [])

    def _create_comment(self, given: tuple[str, ...], _query: object, body: Json) -> Answer:
        if len(body["body"]) > 65_536:
            return 422, {"message": "Validation Failed"}
        return 201, self.comment(int(given[0]), body["body"], "github-actions[bot]")

    def _update_comment(self, given: tuple[str, ...], _query: object, body: Json) -> Answer:
        for found in (c for comments in self.comments.values() for c in comments):
            if found["id"] == int(given[0]):
                found["body"] = body["body"]
                return 200, found
        return 404, {"message": "Not Found"}

    def _upload(self, _given: tuple[str, ...], _query: object, body: Json) -> Answer:
        self.sarif.append(body)
        return 202, {"id": str(len(self.sarif))}


_HERE = f"/repos/{REPOSITORY}"
_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", rf"{_HERE}/commits/([^/]+)/pulls", GitHub._pulls_of),
    ("GET", rf"{_HERE}/pulls/(\d+)", GitHub._pull),
    ("GET", rf"{_HERE}/pulls/(\d+)/reviews", GitHub._reviews),
    ("GET", rf"{_HERE}/pulls/(\d+)/files", GitHub._files),
    ("GET", rf"{_HERE}/contents/(.+)", GitHub._contents),
    ("GET", r"/orgs/([^/]+)/teams/([^/]+)/memberships/([^/]+)", GitHub._member),
    ("GET", rf"{_HERE}/issues/(\d+)/comments", GitHub._list_comments),
    ("POST", rf"{_HERE}/issues/(\d+)/comments", GitHub._create_comment),
    ("PATCH", rf"{_HERE}/issues/comments/(\d+)", GitHub._update_comment),
    ("POST", rf"{_HERE}/code-scanning/sarifs", GitHub._upload),
)


class _Handler(BaseHTTPRequestHandler):
    github: GitHub
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        github = self.github
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        body = json.loads(raw) if raw else None
        github.requests.append((self.command, self.path, body))
        if github.redirect:
            self._send(302, {}, {"Location": github.redirect + self.path})
            return
        if github.flaky:
            self._send(github.flaky.pop(0), {"message": "try again"}, {"Retry-After": "0"})
            return
        given = self.headers.get("Authorization", "").partition(" ")[2]
        if given not in (TOKEN, READ_ONLY):
            self._send(401, {"message": "Bad credentials"})
        elif given == READ_ONLY and self.command != "GET":
            self._send(403, {"message": "Resource not accessible by integration"})
        else:
            status, answer = github.answer(self.command, url.path, query, body)
            self._send(status, *self._paged(answer, query))

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the base class's names

    def _paged(self, answer: Any, query: dict[str, list[str]]) -> tuple[Any, dict[str, str]]:
        if not isinstance(answer, list):
            return answer, {}
        size = int(query.get("per_page", [str(self.github.page)])[0])
        number = int(query.get("page", ["1"])[0])
        shown = answer[size * (number - 1) : size * number]
        if size * number >= len(answer):
            return shown, {}
        after = f"{self.github.url}{urlsplit(self.path).path}?per_page={size}&page={number + 1}"
        return shown, {"Link": f'<{after}>; rel="next"'}

    def _send(self, status: int, answer: Any, more: dict[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        for name, value in {**headers, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: tests look at `requests`."""


@contextmanager
def serving() -> Iterator[GitHub]:
    """A server on a free port of this machine, until the block ends."""
    github = GitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"github": github}))
    server.daemon_threads = True
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
