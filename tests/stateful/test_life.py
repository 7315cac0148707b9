"""The life of a repository: anything that people, crashes and remotes do, in any order.

`DPGATE_STATEFUL=N` runs N random histories instead of the few fixed ones.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dpgate.errors import DpgateError
from dpgate.gate import entries
from tests import team as teams
from tests.crash.runs import start
from tests.stateful.world import FAULTS, World
from tests.team import POLICY, Team

STAGES = ("judge@0.0", "reserve@0.0", "reserve@1.0", "open@0.0", "evidence@0.0", "settle@0.0",
          "settle@1.0", "promote@0.0", "promote@1.0")  # fmt: skip
MANIFESTS: dict[str, dict[str, str]] = {
    "plain": {},
    "cheap": {"epsilon: 1.0": "epsilon: 0.3"},
    "for research": {"purpose: vendor-testing": "purpose: research"},
    "out of reach": {"at_most: 0.9}": "at_most: 0.0001}"},
}
QUOTA = "        - {type: synthetic, rolling_days: 90, epsilon: 2.5}\n"
RUNNERS = st.booleans()
PICKS = st.integers(0, 30)


class Crash(BaseException):
    """An interrupt: handlers run, and then the process ends."""


class Life(RuleBasedStateMachine):
    """See `World`."""

    def __init__(self, begin: Callable[[], World]) -> None:
        super().__init__()
        self.world = begin()

    # ── people ───────────────────────────────────────────────────────────────────────────────

    @initialize()
    def a_first_manifest(self) -> None:
        self.write("plain", attempts=2)

    @rule(kind=st.sampled_from(sorted(MANIFESTS)), attempts=st.integers(0, 2))
    def write(self, kind: str, attempts: int) -> None:
        """A manifest, approved for so many attempts; none: nobody approved it."""
        team = self.world.team
        name = team.copy_manifest(f"r{len(self.world.cost)}", **MANIFESTS[kind])
        team.commit("A manifest")
        self.world.add(name)
        if attempts:
            with contextlib.suppress(DpgateError):  # denied: there is nothing to approve
                team.approve(name, attempts=attempts)

    @rule(pick=PICKS, attempts=st.integers(1, 3))
    def approve_again(self, pick: int, attempts: int) -> None:
        with contextlib.suppress(DpgateError):
            self.world.team.approve(self._release(pick), attempts=attempts)

    @rule(limit=st.sampled_from(("0.5", "1.2", "2", "8")), quota=st.booleans())
    def change_policy(self, limit: str, quota: bool) -> None:
        team = self.world.team
        text = (team.clone / POLICY).read_text()
        head, _, rest = text.partition("lifetime: {epsilon: ")
        text = f"{head}lifetime: {{epsilon: {limit}{rest[rest.index('}') :]}".replace(QUOTA, "")
        if quota:
            text = text.replace("        - {recipient:", f"{QUOTA}        - {{recipient:")
        team.write(POLICY, text)
        team.commit("Another policy")
        with contextlib.suppress(DpgateError):  # in force already
            team.approve("policy")
            team.adopt()

    @rule(pick=PICKS, second=RUNNERS)
    def withdraw(self, pick: int, second: bool) -> None:
        name, runner = self._release(pick), self.world.runner(second)
        before = self.world.chain().released(name), self.world.chain().withdrawn(name)
        try:
            runner.api.withdraw(name, reason="Asked to.", key=runner.key("runner"))
        except DpgateError:
            assert before[0] is None or before[1] is not None
            return
        assert self.world.chain().withdrawn(name) is not None

    # ── runs ─────────────────────────────────────────────────────────────────────────────────

    @rule(pick=PICKS, second=RUNNERS)
    def release(self, pick: int, second: bool) -> None:
        self._run(self._release(pick), second, {})

    @rule(pick=PICKS, second=RUNNERS, stage=st.sampled_from(STAGES))
    def release_interrupted(self, pick: int, second: bool, stage: str) -> None:
        def interrupt() -> None:
            raise Crash

        self._run(self._release(pick), second, {stage: interrupt})

    @rule(pick=PICKS, second=RUNNERS, stage=st.sampled_from(STAGES), fault=st.sampled_from(FAULTS))
    def release_while_the_remote_fails(
        self, pick: int, second: bool, stage: str, fault: str
    ) -> None:
        self._run(self._release(pick), second, {stage: lambda: self.world.break_remote(fault)})

    @rule(pick=PICKS, other=PICKS, second=RUNNERS, stage=st.sampled_from(STAGES))
    def release_while_the_other_runner_does(
        self, pick: int, other: int, second: bool, stage: str
    ) -> None:
        """The other runner makes a whole release between two steps of this one."""
        theirs = self._release(other)
        self._run(self._release(pick), second, {stage: lambda: self._run(theirs, not second, {})})

    @rule(pick=PICKS, second=RUNNERS, stage=st.sampled_from(STAGES))
    def release_killed(self, pick: int, second: bool, stage: str) -> None:
        """SIGKILL: no handler runs."""
        name, runner = self._release(pick), self.world.runner(second)
        out = self.world.out(name, second)
        run = start(runner, stage, release=name, out=out.name)
        run.end()
        if run.opened:
            self.world.opened[name] = self.world.opened.get(name, 0) + 1

    @rule(pick=PICKS, second=RUNNERS, fault=st.sampled_from((None, *FAULTS)))
    def recover(self, pick: int, second: bool, fault: str | None) -> None:
        waiting = self.world.chain().open
        number = waiting[pick % len(waiting)][0].entry.sequence if waiting else 1
        runner = self.world.runner(second)
        with self.world.healed_afterwards():
            if fault:
                self.world.break_remote(fault)
            with contextlib.suppress(DpgateError):
                runner.api.recover(entry=number, key=runner.key("runner"))
        if fault is None or fault == "answer lost":
            assert all(link.entry.sequence != number for link, _ in self.world.chain().open)

    @precondition(lambda self: len(self.world.seen) > 2)
    @rule(drop=st.integers(1, 3))
    def roll_back(self, drop: int) -> None:
        """An administrator forgets the last entries; a runner who saw them refuses; they come back."""
        team = self.world.team
        team.api.verify(root=self.world.root)  # has seen the head
        lost = sorted(self.world.seen)[-min(drop, len(self.world.seen) - 1) :]
        team.push_ledger(dict.fromkeys(lost))
        with pytest.raises(DpgateError):
            team.release(self._release(0))
        assert team.ledger().keys() == self.world.seen.keys() - set(lost)
        team.push_ledger({name: self.world.seen[name] for name in lost})

    # ── how ──────────────────────────────────────────────────────────────────────────────────

    def _release(self, pick: int) -> str:
        return self.world.releases[pick % len(self.world.releases)]

    def _run(self, name: str, second: bool, at: dict[str, Callable[[], None]]) -> None:
        """One release in this process; at most one thing happens at a stage, once."""
        runner, pending = self.world.runner(second), dict(at)

        def progress(stage: str, fraction: float) -> None:
            here = f"{stage}@{fraction}"
            if here == "open@0.0":
                self.world.opened[name] = self.world.opened.get(name, 0) + 1
            pending.pop(here, lambda: None)()

        with self.world.healed_afterwards(), contextlib.suppress(Crash, DpgateError):
            out = self.world.out(name, second)
            result = runner.release(name, out=out, progress=progress)
            self._agrees(name, result)

    def _agrees(self, name: str, result: Any) -> None:
        """What the runner was told is what the remote holds."""
        with self.world.healed_afterwards():
            pass
        done = self.world.chain().released(name)
        assert (done is not None) >= (result.outcome in ("released", "already-released"))
        if result.outcome == "released":
            assert self.world.chain().withdrawn(name) is None

    @invariant()
    def holds(self) -> None:
        self.world.check()


@pytest.fixture
def adopted(_templates: Callable[[str], Team]) -> Team:
    """The template of a team whose policy is adopted."""
    return _templates("adopted")


def test_whatever_happens(adopted: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PAUSE_SECONDS", 0)
    count = 0

    def begin() -> World:
        nonlocal count
        count += 1
        team = teams.copy(adopted, tmp_path / str(count))
        for name, value in team.environment.items():
            if name != "HOME":
                monkeypatch.setenv(name, value)
        world = World(team, team.second_clone("twin"), team.root)
        assert world.twin.api.verify(root=world.root).verified
        return world

    asked = int(os.environ.get("DPGATE_STATEFUL", "0"))
    machine: Any = lambda: Life(begin)  # noqa: E731 - a factory does as well as the class that is asked for
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=asked or 12,
            stateful_step_count=10,
            deadline=None,
            derandomize=not asked,
            database=None,
            phases=(Phase.generate, Phase.shrink) if asked else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
