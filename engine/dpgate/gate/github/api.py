"""The GitHub REST API: a token that goes nowhere else, short waits, and plain errors.

    api = Api.of(os.environ)
    api.pages(f"pulls/{number}/reviews")

One call is one request; `patiently` repeats a piece of work while the server is at fault.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from dpgate.errors import HostingError, UsageError

T = TypeVar("T")

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_SECONDS = 20
_MOST_BYTES = 20_000_000
_MOST_PAGES = 100
_PAGE = 100
_WAITS = (1.0, 2.0, 4.0)
_LONGEST_WAIT = 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to whoever is named there."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class Api:
    """One repository, as one token may see it.

    Attributes:
        url: address of the API, without a slash at its end.
        repository: ``owner/name``.
        token: sent to `url`, and to nobody else; empty: nothing is asked at all.
    """

    url: str
    repository: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Api:
        """The API of the job that runs: ``GITHUB_API_URL``, ``GITHUB_REPOSITORY``, ``GITHUB_TOKEN``.

        Raises:
            UsageError: a variable is missing or malformed.
        """
        url = environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        repository = environment.get("GITHUB_REPOSITORY", "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError("GITHUB_API_URL is no web address", fix="runners set it")
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError("GITHUB_REPOSITORY is not owner/name", fix="runners set it")
        return cls(url=url, repository=repository, token=environment.get("GITHUB_TOKEN", ""))

    def get(self, path: str, **query: str | int) -> Any:
        """Read something of the repository: ``pulls/7``."""
        return self._call("GET", f"{self._place(path)}{'?' if query else ''}{urlencode(query)}")

    def pages(self, path: str) -> list[Any]:
        """A whole list, page by page.

        Raises:
            HostingError: it is no list, or longer than anybody's.
        """
        found: list[Any] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self.get(path, per_page=_PAGE, page=number)
            if not isinstance(page, list):
                raise HostingError(f"GitHub answered {path} with something else than a list")
            found += page
            if len(page) < _PAGE:
                return found
        # What is left out could say the opposite: a review that takes an approval back, say.
        raise HostingError(f"GitHub's list {path} has more than {_MOST_PAGES} pages")

    def membership(self, team: str, login: str) -> Any:
        """What somebody is in a team (``organization/team``); 404 where they are not in it."""
        organization, _, name = team.partition("/")
        return self._call("GET", f"{self.url}/orgs/{organization}/teams/{name}/memberships/{login}")

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something in the repository."""
        return self._call("POST", self._place(path), body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change something of the repository."""
        return self._call("PATCH", self._place(path), body)

    def _place(self, path: str) -> str:
        return f"{self.url}/repos/{self.repository}/{path}"

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        if not self.token:
            raise HostingError("no token for GitHub", status=401, fix="set GITHUB_TOKEN")
        request = urllib.request.Request(  # noqa: S310 - http or https, see `of`
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "dpgate",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        what = f"{method} {urlsplit(url).path}"
        try:
            opener = urllib.request.build_opener(_NoRedirects)
            with opener.open(request, timeout=_SECONDS) as answer:
                text = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(what, error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise HostingError(
                f"GitHub cannot be reached ({type(reason).__name__}): {what}",
                fix="run the job again",
                passing=True,
            ) from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise HostingError(f"GitHub's answer is not JSON: {what}", passing=True) from None


def _refused(what: str, error: urllib.error.HTTPError) -> HostingError:
    after = error.headers.get("Retry-After", "")
    limited = error.code == 429 or (error.code == 403 and bool(after))
    return HostingError(
        f"GitHub answered {error.code} to {what}",
        status=error.code,
        fix="run the job again" if error.code >= 500 or limited else "see the job's permissions",
        passing=error.code >= 500 or limited,
        after=float(after) if after.isascii() and after.isdigit() else None,
    )


def patiently(work: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """Do a piece of work, again if the server failed: three times more, with growing waits.

    Args:
        work: may be done again, whatever of it was done before.
        pause: waits for so many seconds.

    Raises:
        HostingError: refused, or the server failed to the end.
    """
    for wait in _WAITS:
        try:
            return work()
        except HostingError as error:
            if not error.passing:
                raise
            pause(wait if error.after is None else min(error.after, _LONGEST_WAIT))
    return work()
