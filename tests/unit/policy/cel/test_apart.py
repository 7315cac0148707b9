"""The child process: what goes in and out, and that nothing it does can hold anybody up."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from collections.abc import Mapping

import pytest

from dpgate.policy.cel import apart, child
from dpgate.policy.cel.apart import Answers, Apart
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.roots import CHECKED
from dpgate.policy.cel.source import Source, Verdict
from tests.unit.policy import worlds

FACTS = of_documents(worlds.dataset(), worlds.release(), dt.date(2026, 11, 22))
CASE = (FACTS, 0)


def source(name: str, assertion: str, message: str = "no") -> Source:
    return Source(name, "true", assertion, message)


def judged(*sources: Source, cases: int = 1, known: frozenset[str] = CHECKED) -> Answers:
    sets: list[list[tuple[int, Mapping[str, object]]]] = [[(n, {}) for n in range(len(sources))]]
    with Apart(sources, sets, known) as process:
        return process.judge([CASE] * cases)


def test_the_child_says_which_rules_do_not_hold() -> None:
    answers = judged(
        source("holds", "release.epsilon <= 1.0"),
        source("small", "release.epsilon <= 0.5", "ε {release.epsilon} – \u202e\x1b"),
        source("broken", "release.recipients[3] == ''"),
        source("later", "budget.after.size() > 9"),
        cases=2,
    )
    expected = (
        (1, Verdict("small", "violated", "ε 1 –   ")),
        (2, Verdict("broken", "error", "Index error: index=3 size=1")),
    )
    assert answers.verdicts == (expected, expected)
    assert answers.needs[3] == {"budget"}
    assert (answers.faults, answers.ended) == ((), "")


def test_options_reach_their_rule() -> None:
    rule = Source("most", "true", "release.epsilon <= options.most", "no", (("most", "double"),))
    with Apart([rule], [[(0, {"most": 1.0})], [(0, {"most": 0.5})]]) as process:
        one, other = process.judge([(FACTS, 0), (FACTS, 1)]).verdicts
    assert one == ()
    assert other == ((0, Verdict("most", "violated", "no")),)


def test_rules_that_cannot_be_used_are_all_named_and_nothing_is_judged() -> None:
    answers = judged(source("good", "true"), source("bad", "release.nope"), source("worse", "("))
    assert [(number, fault.key, fault.offset) for number, fault in answers.faults] == [
        (1, "assert", 8),
        (2, "assert", 1),
    ]
    assert answers.verdicts == (None,)


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 0.0)
    monkeypatch.setattr(apart, "SECONDS_EACH", 0.0)
    answers = judged(source("any", "true"), cases=3)
    assert answers.verdicts == (None, None, None)
    assert answers.ended == "they took longer than 0 seconds"


def test_a_child_that_breaks_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "ENTRY", "raise MemoryError")
    answers = judged(source("any", "true"))
    assert answers.verdicts == (None,)
    assert answers.ended == "they ran out of memory, or broke their process"
    monkeypatch.setattr(apart, "ENTRY", "pass")
    assert judged(source("any", "true")).ended == "their process did not answer"
    told = '{"faults": [], "needs": []}'
    monkeypatch.setattr(apart, "ENTRY", f"print({told!r}); print('[1', end='')")
    assert judged(source("any", "true")).ended == "their process did not answer"


def test_nothing_of_the_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "a secret")
    monkeypatch.setenv("SYSTEMROOT", "C:\\Windows")
    told = "print(json.dumps({'faults': [[0, 'when', 0, ','.join(sorted(os.environ)), '']], 'needs': []}))"
    monkeypatch.setattr(apart, "ENTRY", f"import os, json; {told}")
    ((_, fault),) = judged(source("any", "true")).faults
    assert set(fault.message.split(",")) - {"LC_CTYPE"} == {"SYSTEMROOT"}
    assert os.environ["TOKEN"]


def test_the_child_serves_what_it_is_given_line_by_line() -> None:
    """The same as above in this process, where its lines are counted."""
    head = {
        "rules": [source("a", "release.epsilon > 9.0"), source("b", "history.releases.size() > 1")],
        "sets": [[[0, {}], [1, {}]]],
        "known": ["release"],
        "every": False,
    }
    case = {"facts": {"release": json.loads(json.dumps(_release()))}, "set": 0}
    told = io.BytesIO()
    child.serve(io.BytesIO(f"{json.dumps(head)}\n{json.dumps(case)}\n".encode()), told)
    assert [json.loads(line) for line in told.getvalue().splitlines()] == [
        {"faults": [], "needs": [[0, ["release"]], [1, ["history"]]]},
        [[0, "violated", "no"]],
    ]
    broken = {"rules": [source("a", "x")], "sets": [], "known": [], "every": False}
    told = io.BytesIO()
    child.serve(io.BytesIO(json.dumps(broken).encode()), told)
    (answer,) = (json.loads(line) for line in told.getvalue().splitlines())
    assert answer["faults"][0][:3] == [0, "assert", 0]


def _release() -> object:
    from dpgate.policy.cel.source import plain

    return plain(FACTS["release"])
