"""Whether workers are started elsewhere, by the environment that launchers set; torch is not needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.team.tls import Papers, require_own

STANDARD = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK")
"""Variables that `torchrun` and its like set; MASTER_ADDR says that they did."""

PAPERS = ("DPGATE_TLS_KEY", "DPGATE_TLS_CERT", "DPGATE_TLS_CA")
"""Variables that name files: a private key, its certificate, and the authority of all members."""


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Where processes on several machines meet.

    Attributes:
        address: of rank 0.
        port: of its store.
        agent: whether the launcher holds the store, as `torchrun` does.
        papers: this process's own.
    """

    address: str
    port: int
    agent: bool
    papers: Papers


def elsewhere(processes: int, environment: Mapping[str, str] | None = None) -> Elsewhere | None:
    """Where the workers of a training are to come from; None: this machine, as its children.

    Args:
        processes: that the manifest asks for, > 1.
        environment: this process's own if None.

    Raises:
        SynthesisError: the environment is half set, does not fit the manifest, or names no
            certificates: rows travel between machines under TLS alone.
    """
    given = os.environ if environment is None else environment
    if processes == 1 or not given.get("MASTER_ADDR"):
        return None
    port, size, rank = (_number(given, name) for name in STANDARD[1:])
    if not 0 < port < 2**16:
        raise SynthesisError(f"MASTER_PORT is {port}", fix="a port from 1 to 65535, free on rank 0")
    if rank != 0:
        raise SynthesisError(
            f"the gate is rank 0 of a training by several processes, and RANK is {rank}",
            fix="run `dpgate worker` there",
        )
    if size != processes:
        raise SynthesisError(
            f"WORLD_SIZE is {size}, and synthesize.training.processes {processes}",
            fix="give both the same number; unset MASTER_ADDR to train on this machine alone",
        )
    return Elsewhere(
        address=given["MASTER_ADDR"],
        port=port,
        agent=given.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        papers=papers({name: given.get(name) for name in PAPERS}, server=True),
    )


def papers(named: Mapping[str, str | None], *, server: bool) -> Papers:
    """The papers that three variables name, tried.

    Args:
        named: a file for each of `PAPERS`.
        server: whether they are rank 0's.

    Raises:
        SynthesisError: one is not named, or cannot be used.
    """
    lacking = [name for name in PAPERS if not named.get(name)]
    if lacking:
        raise SynthesisError(
            f"processes on several machines send rows under TLS alone: {', '.join(lacking)} not set",
            fix="give each machine a key and a certificate by an authority of your own "
            "(docs/training.md), or unset MASTER_ADDR to train on this machine alone",
        )
    key, certificate, authority = (str(named[name]) for name in PAPERS)
    found = Papers(key=key, certificate=certificate, authority=authority)
    require_own(found, server=server)
    return found


def _number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 5:
        raise SynthesisError(
            f"MASTER_ADDR is set, and {name} is no number",
            fix=f"set {', '.join(STANDARD)} as torchrun does, or none of them",
        )
    return int(text)
