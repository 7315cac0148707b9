"""A job's token reaches Git's own server, through real Git over HTTP, and nobody else."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dpgate.errors import RemoteError
from dpgate.gate.github.credentials import git_credentials
from dpgate.ledger.store import Store
from tests.team import BRANCH, Team

TOKEN = "ghs_a-token-of-the-tests"
WANTED = "basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
BACKEND = (
    Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"
)


@contextmanager
def git_server(folder: Path, heard: list[str]) -> Iterator[str]:
    """Serves the bare repositories of a folder to those who send the token."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            given = self.headers.get_all("Authorization") or [""]
            heard.extend(given)
            if given != [WANTED]:
                self.send_response(401 if len(given) == 1 else 400)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length") or 0)
            done = subprocess.run(
                [BACKEND],
                env={
                    **os.environ, "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "REMOTE_USER": "job",
                    "CONTENT_LENGTH": str(length), "GIT_PROTOCOL": "",
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                },
                input=self.rfile.read(length), capture_output=True, check=True,
            )  # fmt: skip
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def server(team: Team, heard: list[str]) -> Iterator[str]:
    with git_server(team.folder, heard) as url:
        team.git("remote", "set-url", "origin", f"{url}/remote.git")
        yield url


def test_a_ledger_behind_a_token_is_read(
    team: Team, server: str, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(team.clone, branch=BRANCH)
    with pytest.raises(RemoteError):
        store.fetch()
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_SERVER_URL": server}
    for name, value in git_credentials(environment, team.clone).items():
        monkeypatch.setenv(name, value)
    assert list(store.fetch().files) == ["000001-genesis.dsse.json"]
    assert WANTED in heard
    config = (team.clone / ".git/config").read_text()
    assert "extraheader" not in config


def test_the_token_goes_to_its_own_server_only(team: Team, server: str) -> None:
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_SERVER_URL": server}
    for url in ("http://127.0.0.1:1/x.git", f"{server}.evil.example/x.git", "git@host:x.git"):
        team.git("remote", "set-url", "origin", url)
        assert git_credentials(environment, team.clone) == {}
    team.git("remote", "remove", "origin")
    assert git_credentials(environment, team.clone) == {}


def test_credentials_that_are_there_already_are_left(team: Team, server: str) -> None:
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_SERVER_URL": server}
    own = {
        **environment, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader"
    }  # fmt: skip
    assert git_credentials(own, team.clone) == {}
    other = {**environment, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name"}
    assert git_credentials(other, team.clone)["GIT_CONFIG_COUNT"] == "2"
    team.git("config", f"http.{server}/.extraheader", f"AUTHORIZATION: {WANTED}")
    assert git_credentials(environment, team.clone) == {}
    assert Store(team.clone, branch=BRANCH).fetch().files


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_SERVER_URL"])
def test_outside_a_job_there_is_nothing_to_send(team: Team, server: str, missing: str) -> None:
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_SERVER_URL": server, missing: ""}
    assert git_credentials(environment, team.clone) == {}
