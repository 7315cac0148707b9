"""A team with two runners, a remote that fails in several ways, and what must hold whatever happens."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from dpgate.accounting.filter import Spend
from dpgate.gate.costing import cost_of, from_record
from dpgate.gate.opening import loaded_document
from dpgate.gate.staging import digest_of
from dpgate.gate.verify import audit
from dpgate.gate.workspace import policy_of, workspace
from dpgate.ledger.chain import Chain
from dpgate.model.policy import PrivacyPolicy
from tests.team import Team

FAULTS = ("gone", "refuses", "answer lost")


@dataclass
class World:
    """Two clones with a memory each, one remote, and a model of what was spent.

    Attributes:
        team: the first runner, in whose clone documents are written.
        twin: the second runner, another clone on another machine.
        root: genesis digest, kept outside.
        opened: how often each release went as far as opening the data.
        cost: what one attempt of each release costs, by its plan.
    """

    team: Team
    twin: Team
    root: str
    opened: dict[str, int] = field(default_factory=dict)
    cost: dict[str, Spend] = field(default_factory=dict)
    seen: dict[str, bytes] = field(default_factory=dict)
    outs: dict[Path, str] = field(default_factory=dict)

    @property
    def releases(self) -> list[str]:
        """Every manifest so far."""
        return list(self.cost)

    def runner(self, second: bool) -> Team:
        """One of the two runners, its clone up to date."""
        team = self.twin if second else self.team
        if second:
            team.git("pull", "-q", "--ff-only", "origin", "main")
        return team

    def out(self, release: str, second: bool) -> Path:
        """Where a runner puts the files of a release."""
        place = self.team.folder / f"out-{int(second)}-{release.rpartition('/')[2]}"
        self.outs[place] = release
        return place

    def add(self, release: str) -> None:
        """Note what a new manifest would cost under the policy in force."""
        policy = self.policy(self.chain())
        self.cost[release] = cost_of(policy, workspace(self.team.clone).case(release)).spend

    # ── the remote ───────────────────────────────────────────────────────────────────────────

    def break_remote(self, fault: str) -> None:
        """From now on the remote fails; see `FAULTS`."""
        if fault == "gone":
            self._away.exists() or self.team.remote.rename(self._away)
        elif fault == "refuses":
            self._hook("pre-receive", "echo not today >&2; exit 1")
        else:
            self._hook("post-receive", "kill -9 $PPID")

    @contextlib.contextmanager
    def healed_afterwards(self) -> Iterator[None]:
        """Whatever happens to the remote inside is over afterwards."""
        try:
            yield
        finally:
            if self._away.exists():
                self._away.rename(self.team.remote)
            for name in ("pre-receive", "post-receive"):
                (self.team.remote / "hooks" / name).unlink(missing_ok=True)

    @property
    def _away(self) -> Path:
        return self.team.folder / "remote-away.git"

    def _hook(self, name: str, line: str) -> None:
        # Documents go to main, which goes on working: only the ledger's branch is hit.
        path = self.team.remote / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ngrep -q dpgate-ledger || exit 0\n{line}\n")
        path.chmod(0o755)

    # ── what must hold ───────────────────────────────────────────────────────────────────────

    def chain(self) -> Chain:
        """The remote's ledger, verified."""
        return audit(self.team.ledger(), self.root)

    def policy(self, chain: Chain, sequence: int | None = None) -> PrivacyPolicy:
        """The policy in force at an entry, or at the head."""
        found = chain.policy if sequence is None else chain.policy_at(sequence)
        return policy_of(loaded_document(found))

    def check(self) -> None:
        """Everything that must hold between any two steps."""
        files = self.team.ledger()
        assert self.seen.items() <= files.items(), "an entry was changed or forgotten"
        self.seen = files
        chain = audit(files, self.root)
        self._spent_covers_what_ran(chain)
        self._limits_hold(chain)
        self._files_only_where_released(chain)

    def _spent_covers_what_ran(self, chain: Chain) -> None:
        for release, times in self.opened.items():
            attempts = [from_record(entry.spend) for _, entry in chain.attempts(release)]
            assert len(attempts) >= times, f"{release} ran {times} times"
            for order, needed in self.cost[release].orders.items():
                assert sum(spend.orders[order] for spend in attempts) >= needed * times

    def _limits_hold(self, chain: Chain) -> None:
        """By a plain sum and the textbook's conversion, under the policy at each place."""
        total: dict[int, Decimal] = {}
        for _, entry in chain.reserves:
            spec = self.policy(chain, entry.sequence).spec
            for order, value in from_record(entry.spend).orders.items():
                total[order] = total.get(order, Decimal(0)) + value
            share = float(spec.accounting.delta) / len(spec.accounting.orders)
            reached = min(
                float(value) + math.log1p(-1 / order) - math.log(share * order) / (order - 1)
                for order, value in total.items()
            )
            limit = float(spec.populations["clinic-patients"].lifetime.epsilon)
            assert reached <= limit + 1e-5, f"entry {entry.sequence}: {reached} of {limit}"

    def _files_only_where_released(self, chain: Chain) -> None:
        for place, release in self.outs.items():
            found = {p.name: digest_of(p) for p in place.iterdir()} if place.is_dir() else {}
            if not found:
                continue
            done = chain.released(release)
            assert done is not None, f"{place.name} was promoted, and nothing released it"
            assert found == {a.name: a.sha256 for a in done[1].artifacts if not a.sealed}
