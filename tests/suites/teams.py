"""Teams of real processes, to compute sums with and to do harm to.

    python -m tests.suites.teams CHILDREN

gathers three processes, writes their folder and the children's numbers to a file, and computes steps until it is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
import torch
from torch import Tensor

from dpgate.synthesis.gan import ctgan
from dpgate.synthesis.gan.layers import Mlp, linear
from dpgate.synthesis.gan.records import Records
from dpgate.synthesis.gan.start import Setting
from dpgate.synthesis.gan.team import children, gather
from dpgate.synthesis.gan.team.children import Children
from dpgate.synthesis.gan.team.elsewhere import PAPERS
from dpgate.synthesis.gan.team.messages import Job
from dpgate.synthesis.gan.trainer import Clipped, Team, summed
from tests.suites import worlds

if TYPE_CHECKING:
    from dpgate.synthesis.gan.rows import Codes

SIZES = tuple(worlds.domain().sizes)
WIDTHS = (sum(SIZES), 9, 9, 1)
JOB = Job(synthesizer="dp-ctgan", widths=(WIDTHS,), sizes=SIZES, clip=0.3, at_once=7)
BATCH = 40


@dataclass(frozen=True)
class Work:
    """A discriminator with weights of its own, and what a team is asked with."""

    clipped: Clipped
    setting: Setting
    network: Mlp

    @classmethod
    def made(cls, seed: int = 4) -> Work:
        """The same for the same seed."""
        setting = Setting.on(torch.device("cpu"), SIZES)
        network = Mlp(WIDTHS, torch.Generator().manual_seed(seed))
        losses = ctgan.losses([network], setting)
        clipped = Clipped(layers=linear(network), losses=losses, clip=JOB.clip, at_once=JOB.at_once)
        return cls(clipped, setting, network)

    def alone(self, cells: Codes | Records) -> list[Tensor]:
        """The sum, by this process."""
        return summed(self.clipped, records(cells), self.setting.blocks.ones)

    def by(self, team: Team, cells: Codes | Records) -> list[Tensor]:
        """The sum, by a team."""
        return team.summed(self.clipped, records(cells), self.setting.blocks.ones)


def cells(rows: int, seed: int = 1) -> Codes:
    """Random rows of the domain."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1).astype(np.uint16)


def records(cells: Codes | Records) -> Records:
    """Rows as records of one row each."""
    return cells if isinstance(cells, Records) else Records(cells)


def ignore(stage: str, done: float) -> None:
    """Progress that nobody watches."""


@contextmanager
def gathered(processes: int, job: Job = JOB) -> Iterator[tuple[Team, list[int]]]:
    """A team on this machine, and the numbers of its children."""
    made: list[Children] = []

    class Seen(Children):
        def __init__(self, folder: Path, processes: int, threads: int) -> None:
            super().__init__(folder, processes, threads)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "Children", Seen)
        with gather.gathered(job, processes, BATCH, ignore) as team:
            yield team, [child.pid for child in made[0]._children]


def gone(process: int) -> bool:
    """Whether a process has ended; one that nobody asked after has."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in "ZX"


def all_gone(processes: list[int], seconds: float = 20) -> bool:
    """Whether all have, soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(gone(process) for process in processes):
            return True
        time.sleep(0.05)
    return False


def altered(by: str) -> str:
    """What children run so that a function of this module is called in them first."""
    return f"from tests.suites import teams; teams.{by}(); {children.ENTRY}"


def no_number() -> None:
    """Has a worker compute no number."""
    from dpgate.synthesis.gan.team import worker

    def spoilt(*given: object) -> list[Tensor]:
        sums = summed(*given)  # type: ignore[arg-type]
        sums[1][0] = float("nan")
        return sums

    worker.summed = spoilt  # type: ignore[assignment, attr-defined]


def of_another_version() -> None:
    """Has a worker say that it is of another version."""
    from dpgate.synthesis.gan.team import messages

    messages.VERSION = "0.0.0"


def speechless() -> None:
    """Has a child end before it meets anybody, loudly."""
    sys.stderr.write("canary")
    raise SystemExit(3)


def _hit(when: str, how: signal.Signals) -> None:
    """Has a worker send itself a signal, before or after it is connected."""
    from dpgate.synthesis.gan.team import meet, worker

    def hit(*_: object, **__: object) -> NoReturn:
        os.kill(os.getpid(), how)
        raise AssertionError

    if when == "connected":
        worker.Channel = hit  # type: ignore[assignment, attr-defined]
    else:
        meet.ProcessGroupGloo = hit  # type: ignore[assignment, attr-defined]


def dies_unconnected() -> None:
    """Has a worker die once it said that it is here."""
    _hit("here", signal.SIGKILL)


def hangs_connected() -> None:
    """Has a worker hang before it shows a certificate."""
    _hit("connected", signal.SIGSTOP)


def same_normal(setting: Setting, rows: int, width: int) -> Tensor:
    """The same random numbers for every row, wherever it is computed."""
    one = torch.randn((1, width), generator=torch.Generator().manual_seed(3))
    return one.expand(rows, width)


def coupled() -> None:
    """Has a worker draw them."""
    Setting.normal = same_normal  # type: ignore[assignment, method-assign]


def papers(folder: Path, member: str = "gate") -> dict[str, str]:
    """A member's key and certificate, and its authority's, as docs/training.md has them made."""
    folder.mkdir(parents=True, exist_ok=True)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    if not (folder / "ca.pem").exists():
        openssl(
            "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=training", "-days", "30",
        )  # fmt: skip
    openssl(
        "req", *new, "-keyout", f"{member}.key", "-out", f"{member}.csr", "-subj", f"/CN={member}"
    )
    openssl(
        "x509", "-req", "-in", f"{member}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", f"{member}.pem", "-days", "30",
    )  # fmt: skip
    names = (f"{member}.key", f"{member}.pem", "ca.pem")
    return dict(zip(PAPERS, (str(folder / name) for name in names), strict=True))


def main() -> None:
    """Steps without end."""
    work, rows = Work.made(), cells(60)
    with gathered(3) as (team, numbers):
        part = Path(sys.argv[1]).with_suffix(".part")
        folder = Path(f"/proc/{numbers[0]}/cwd").readlink()
        part.write_text(" ".join(map(str, [folder, *numbers])))
        while True:
            work.by(team, rows)
            if part.exists():
                part.replace(sys.argv[1])


if __name__ == "__main__":
    main()
