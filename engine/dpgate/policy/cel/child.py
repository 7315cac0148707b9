"""The child process that judges by rules nobody has signed. Started by `dpgate.policy.cel.apart`.

It reads lines of JSON and writes lines of JSON: first all rules, then one release a line. It has no
environment, opens no file of the repository, and is limited in memory; its parent ends it when its
time is up.
"""

from __future__ import annotations

import json
import sys
from typing import Any, BinaryIO

from dpgate.policy.cel.source import RuleError, Source

MEMORY = 256 * 1024 * 1024
"""Address space, in bytes."""


def main() -> None:  # pragma: no cover - runs in the child
    """Bound this process, then judge what comes in."""
    _bound()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def _bound() -> None:  # pragma: no cover - runs in the child
    try:
        import resource
    except ImportError:  # no such thing on Windows: there, time alone is limited
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def serve(given: BinaryIO, told: BinaryIO) -> None:
    """Compile the rules of the first line, then judge one release a line.

    The answer to the first line holds faults by rule, and what each rule needs to know; where there
    are faults, nothing more follows. Each further answer holds the rules that do not hold; or, if the
    first line asks for it, every rule and what it says. Those that need more than is known are left out.
    """
    from dpgate.policy.cel.evaluate import Scene

    head = json.loads(given.readline())
    known = frozenset(head["known"])
    told_of = ("violated", "error", *(("holds", "not-about") if head["every"] else ()))
    programs, faults = _compiled(head["rules"])
    later = {number for number, each in programs.items() if not each.needs <= known}
    needs = [[number, sorted(each.needs)] for number, each in programs.items()]
    _say(told, {"faults": faults, "needs": needs})
    if faults:
        return
    sets = [[(n, options) for n, options in each if n not in later] for each in head["sets"]]
    for line in given:
        case = json.loads(line)
        scene = Scene(case["facts"])
        verdicts = [
            [number, verdict.outcome, verdict.message]
            for number, options in sets[case["set"]]
            if (verdict := scene.judge(programs[number], options)).outcome in told_of
        ]
        _say(told, verdicts)


def _compiled(rules: Any) -> tuple[dict[int, Any], list[list[Any]]]:
    from dpgate.policy.cel.compile import compile_rule

    programs: dict[int, Any] = {}
    faults: list[list[Any]] = []
    for number, (name, when, assertion, message, options, early) in enumerate(rules):
        typed = tuple((option, kind) for option, kind in options)
        try:
            programs[number] = compile_rule(Source(name, when, assertion, message, typed, early))
        except RuleError as error:
            faults += [[number, *fault] for fault in error.faults]
    return programs, faults


def _say(told: BinaryIO, answer: object) -> None:
    told.write(json.dumps(answer).encode() + b"\n")
    told.flush()
