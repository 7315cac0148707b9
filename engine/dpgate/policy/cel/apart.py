"""Judging by rules that nobody has signed: in a process that can be ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from dpgate.policy.cel.roots import CHECKED
from dpgate.policy.cel.source import Fault, Source, Verdict, plain

SECONDS = 5.0
"""Time for starting and for compiling all rules."""
SECONDS_EACH = 0.02
"""Further time for each release."""

ENTRY = "from dpgate.policy.cel.child import main; main()"
"""What the child runs."""

Asked = Sequence[tuple[int, Mapping[str, object]]]
"""Rules to judge one release by: their numbers, and the values of their options."""


@dataclass(frozen=True)
class Answers:
    """What the child said."""

    faults: tuple[tuple[int, Fault], ...]
    """What keeps rules from being used, by number; then nothing was judged."""
    needs: Mapping[int, frozenset[str]]
    """The facts that each rule uses."""
    verdicts: tuple[tuple[tuple[int, Verdict], ...] | None, ...]
    """Of each release, the rules that do not hold (or every rule, if asked); None where the child was ended before."""
    ended: str = ""
    """Why it was ended; empty if it finished."""


class Apart:
    """One child process. It starts at once, so that it is ready when the facts are."""

    def __init__(
        self,
        sources: Iterable[Source],
        sets: Iterable[Asked],
        known: frozenset[str] = CHECKED,
        *,
        every: bool = False,
    ) -> None:
        """Start the child.

        Args:
            sources: the rules.
            sets: which of them releases are judged by, and the values of their options.
            known: the facts that will be given.
            every: whether it is to name the rules that hold, too.
        """
        self._sources = tuple(sources)
        asked = [[(number, plain(options)) for number, options in each] for each in sets]
        self._head = {"rules": self._sources, "sets": asked, "known": sorted(known), "every": every}
        # Isolated, and without site: neither the environment nor the working folder has a say.
        code = f"import sys; sys.path[:] = {sys.path!r}; {ENTRY}"
        kept = ("SYSTEMROOT",)  # Python on Windows does not start without it
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, and our own code
            [sys.executable, "-I", "-S", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in kept if name in os.environ},
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child, whatever happened."""
        self._process.kill()
        self._process.wait()
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            with contextlib.suppress(OSError):
                pipe.close()

    def judge(self, cases: Sequence[tuple[Mapping[str, object], int]]) -> Answers:
        """Judge releases, each by its facts and by the set of rules with this number. Once."""
        lines = [json.dumps(self._head)]
        for facts, which in cases:
            told = {root: plain(fact) for root, fact in facts.items()}
            lines.append(json.dumps({"facts": told, "set": which}))
        seconds = SECONDS + SECONDS_EACH * len(cases)
        ended = ""
        try:
            out, _ = self._process.communicate("\n".join(lines).encode() + b"\n", timeout=seconds)
            if self._process.returncode:
                ended = "they ran out of memory, or broke their process"
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, _ = self._process.communicate()
            ended = f"they took longer than {seconds:.0f} seconds"
        return self._answers(out, len(cases), ended)

    def _answers(self, out: bytes, count: int, ended: str) -> Answers:
        answers: list[Any] = [json.loads(line) for line in out.split(b"\n")[:-1]]
        if not answers:
            nothing = tuple(None for _ in range(count))
            return Answers((), {}, nothing, ended or "their process did not answer")
        head, *told = answers
        faults = tuple((number, Fault(*fault)) for number, *fault in head["faults"])
        verdicts: list[tuple[tuple[int, Verdict], ...] | None] = [
            tuple((n, Verdict(self._sources[n].id, outcome, text)) for n, outcome, text in each)
            for each in told
        ]
        verdicts += [None] * (count - len(verdicts))
        if not faults and None in verdicts:
            ended = ended or "their process did not answer"
        needs = {number: frozenset(roots) for number, roots in head["needs"]}
        return Answers(faults, needs, tuple(verdicts), ended)
