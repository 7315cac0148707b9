"""How fast a ledger is verified: a long chain is made in memory, then audited.

    python -m benchmarks.ledger [ENTRIES] [--profile]

Every reservation has a manifest and an approval of its own, its events and its running sums, as real
ones have; nothing is released. Prints entries per second of one process, beside the time that the bare
signature checks of the same chain take.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from dpgate.gate import approvals, budgets, entries
from dpgate.gate.costing import cost_of, to_record
from dpgate.gate.init import init
from dpgate.gate.plan import plan
from dpgate.gate.verify import audit, verify
from dpgate.gate.workspace import Case, policy_of, workspace
from dpgate.ledger import envelope
from dpgate.ledger.chain import DIRECTORY, Chain, Link, file_name, read_link, subjects
from dpgate.ledger.keys import PrivateKey, load_private
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import load
from dpgate.model.record import (
    Document,
    Entry,
    Genesis,
    PolicyApproval,
    ReleaseApproval,
    Reserve,
    Settle,
)
from dpgate.model.values import Date
from dpgate.policy.facts import facts_of
from dpgate.policy.scopes import Tally
from dpgate.policy.windows import moment_of

WHEN = "2026-11-01T00:00:00Z"


class Maker:
    """Makes a chain, one release after the other."""

    def __init__(self, folder: Path) -> None:
        init(folder / "rel", keys=folder / "keys")
        policy = folder / "rel" / "policies" / "organization.yaml"
        text = policy.read_text().replace("lifetime: {epsilon: 4}", "lifetime: {epsilon: 1000000}")
        policy.write_text(
            text.replace("epsilon: 1}", "epsilon: 1000000}").replace(
                "epsilon: 2}", "epsilon: 1000000}"
            )
        )
        self.keys = {
            role: load_private(folder / "keys" / role) for role in ("privacy", "legal", "runner")
        }
        self.space = workspace(folder / "rel")
        self.policy_file = self.space.policy_file
        self.policy = policy_of(self.policy_file)
        self.case = self.space.case("clinic-visits/vendor-testing")
        self.cost = cost_of(self.policy, self.case)
        self.links: list[Link] = []
        self.files: dict[str, bytes] = {}
        self.past = Tally(self.policy.spec.accounting.orders)
        self.moment = moment_of(WHEN)

    def add(self, entry: Entry) -> Link:
        """Sign and append one entry."""
        data = envelope.seal(
            statement(entry, subjects(entry)).payload(), [self.keys["runner"]]
        ).to_bytes()
        link = read_link(file_name(entry), data)
        self.links.append(link)
        self.files[link.name] = data
        return link

    def genesis(self) -> None:
        """The first policy."""
        digest = self.policy_file.digest
        document = Document(
            path="policies/organization.yaml", sha256=digest, text=self.policy_file.text
        )
        approvals = tuple(
            self.signed(
                PolicyApproval(root=None, role=role, previous=None, policy_set=digest),
                {"policy": digest},
                role,
            )
            for role in ("privacy", "legal")
        )
        self.add(
            Genesis(
                **entries.header(None, self.moment),
                policy_set=digest,
                nonce="0" * 32,
                documents=(document,),
                approvals=approvals,
            )
        )

    def signed(
        self, approval: PolicyApproval | ReleaseApproval, about: Mapping[str, str], role: str
    ) -> Document:
        """An approval file."""
        data = envelope.seal(
            statement(approval, dict(about)).payload(), [self.keys[role]]
        ).to_bytes()
        return Document(path=f"approvals/{role}.dsse.json", sha256=sha256(data), text=data.decode())

    def release(self, number: int) -> None:
        """Reserve and settle one release."""
        name = f"r{number}"
        text = self.case.release_file.text.replace("name: vendor-testing", f"name: {name}")
        manifest = load(f"releases/clinic-visits/{name}/release.yaml", text.encode())
        case = Case(f"clinic-visits/{name}", self.case.dataset_file, manifest)
        chain = Chain(tuple(self.links), {})
        header = entries.header(chain, self.moment)
        approval = ReleaseApproval(
            root=chain.root,
            release=case.name,
            role="privacy",
            policy_set=self.policy_file.digest,
            manifest=manifest.digest,
            dataset=case.dataset_file.digest,
            cost=to_record(self.cost.spend),
            attempts=1,
            nonce=f"{number:032x}",
            expires=_later(),
        )
        facts = facts_of(case.dataset, case.release)
        sums = budgets.sums(self.policy, facts, header["time"], None, self.past, self.cost.spend)
        self.past.add(facts, header["time"], self.cost.spend)
        link = self.add(
            Reserve(
                **header,
                nonce="0" * 32,
                policy_set=self.policy_file.digest,
                release=case.name,
                attempt=1,
                facts=facts,
                documents=(
                    Document(path=manifest.file, sha256=manifest.digest, text=text),
                    Document(
                        path="releases/clinic-visits/dataset.yaml",
                        sha256=case.dataset_file.digest,
                        text=case.dataset_file.text,
                    ),
                ),
                approvals=(self.signed(approval, approvals.subjects(approval), "privacy"),),
                events=self.cost.events,
                spend=to_record(self.cost.spend),
                claim=self.cost.claim,
                sums={key: to_record(spend) for key, spend in sums.items()},
            )
        )
        self.add(
            Settle(
                **entries.header(Chain(tuple(self.links), {}), self.moment),
                policy_set=self.policy_file.digest,
                release=case.name,
                reserve=link.digest,
                outcome="abandoned",
                evidence=(),
                artifacts=(),
            )
        )


def _clone(maker: Maker, folder: Path) -> Path:
    """A release repository whose remote holds the chain, as one commit."""
    team, remote = folder / "rel", folder / "remote.git"
    run = (
        "git",
        "-c",
        "user.name=b",
        "-c",
        "user.email=b@example.org",
        "-c",
        "commit.gpgsign=false",
    )
    for words in (
        ("init", "-q", "--bare", str(remote)),
        ("-C", str(team), "init", "-q", "-b", "main"),
        ("-C", str(team), "add", "-A"),
        ("-C", str(team), "commit", "-q", "-m", "Documents"),
        ("-C", str(team), "remote", "add", "origin", str(remote)),
    ):
        subprocess.run([*run, *words], check=True)  # noqa: S603 - fixed words
    feed = "".join(_imported(name, data) for name, data in maker.files.items())
    ends = "refs/heads/dpgate-ledger", "Made at once: a push for each entry would take hours"
    head = (
        f"commit {ends[0]}\ncommitter b <b@example.org> 0 +0000\ndata {len(ends[1])}\n{ends[1]}\n"
    )
    feeding = ("git", "-C", str(remote), "fast-import", "--quiet")
    subprocess.run(feeding, input=(head + feed).encode(), check=True)  # noqa: S603 - fixed words
    target = "+refs/heads/dpgate-ledger:refs/remotes/origin/dpgate-ledger"
    subprocess.run([*run, "-C", str(team), "fetch", "-q", "origin", target], check=True)  # noqa: S603
    return team


def _imported(name: str, data: bytes) -> str:
    """One entry as `git fast-import` reads it."""
    return f"M 100644 inline {DIRECTORY}/{name}\ndata {len(data)}\n{data.decode()}\n"


def _timed(what: str, entries_: int, run: Callable[[], object]) -> None:
    """Wall clock, and processor time with that of Git: the second is what a busy machine leaves alone."""
    began, before = time.perf_counter(), sum(os.times()[:4])
    run()
    spent, busy = time.perf_counter() - began, sum(os.times()[:4]) - before
    print(
        f"{what}: {spent:.2f} s, {entries_ / spent:.0f} entries/s; "
        f"{busy:.2f} s of processor, {entries_ / busy:.0f} entries/s"
    )


def _later() -> Date:
    return moment_of("2027-06-01T00:00:00Z").date()


def _bare(files: Mapping[str, bytes], keys: Mapping[str, PrivateKey]) -> float:
    """Seconds for one signature check of every entry, and nothing else."""
    opened = [envelope.parse(data) for data in files.values()]
    began = time.perf_counter()
    for each in opened:
        each.signers([keys["runner"].public])
    return time.perf_counter() - began


def main() -> None:
    """Make, audit, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entries", nargs="?", type=int, default=2001)
    parser.add_argument("--profile", action="store_true", help="show what the time went to")
    parser.add_argument("--clone", action="store_true", help="also verify and plan from a clone")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        maker = Maker(Path(folder))
        maker.genesis()
        while len(maker.links) < chosen.entries:
            maker.release(len(maker.links))
        size = sum(map(len, maker.files.values()))
        print(f"{len(maker.files)} entries, {size / 1e6:.1f} MB")
        profile = cProfile.Profile()
        began = time.perf_counter()
        if chosen.profile:
            profile.enable()
        audit(maker.files, maker.links[0].digest)
        profile.disable()
        spent = time.perf_counter() - began
        print(f"audit: {spent:.2f} s, {len(maker.files) / spent:.0f} entries/s")
        print(f"signature checks alone: {_bare(maker.files, maker.keys):.2f} s")
        if chosen.clone:
            os.environ["DPGATE_STATE"] = str(Path(folder) / "state")
            team, root, size = _clone(maker, Path(folder)), maker.links[0].digest, len(maker.files)
            _timed("verify from a clone", size, lambda: verify(team, root=root))
            name = "clinic-visits/vendor-testing"
            _timed("plan, first on this machine", size, lambda: plan(name, team))
            _timed("plan, again", size, lambda: plan(name, team))
        if chosen.profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
