"""A job's token for its own Git commands, without writing it to the clone's configuration."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from dpgate.errors import GitError
from dpgate.ledger.store import open_repository, run_git


def git_credentials(
    environment: Mapping[str, str], root: Path, remote: str = "origin"
) -> dict[str, str]:
    """Variables by which Git sends the job's token to the server that the job belongs to.

    They count for commands that talk to a remote, see `dpgate.ledger.environment`. Nothing is
    added where there is no token, the remote is elsewhere, or the clone has credentials already.

    Args:
        environment: has ``GITHUB_TOKEN`` and ``GITHUB_SERVER_URL`` in a job.
        root: the clone.
        remote: whose address counts.
    """
    token, server = environment.get("GITHUB_TOKEN"), environment.get("GITHUB_SERVER_URL")
    if not token or not server:
        return {}
    place = f"{server.rstrip('/')}/"
    address = _config(root, "--get", f"remote.{remote}.url")
    if not address.startswith(place):
        return {}
    own = [v for k, v in environment.items() if k.startswith("GIT_CONFIG_KEY_")]
    if _config(root, "--get-urlmatch", "http.extraheader", address) or any(
        name.endswith(".extraheader") for name in own
    ):
        return {}  # actions/checkout kept them, say: two headers would be refused
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{place}.extraheader",
        f"GIT_CONFIG_VALUE_{count}": f"AUTHORIZATION: basic {basic}",
    }


def _config(root: Path, *words: str) -> str:
    try:
        return run_git(open_repository(root), "config", *words).decode().strip()
    except GitError:
        return ""  # not set
