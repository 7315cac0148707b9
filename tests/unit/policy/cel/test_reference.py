"""docs/rules.md says what is so: its tables are those of the types, its rules can be used."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest

from dpgate.loading.documents import load
from dpgate.policy.cel import reference
from dpgate.policy.cel.compile import compile_rule
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.evaluate import Scene
from dpgate.policy.cel.types import Approval, Budget, History
from dpgate.policy.limits import too_high
from dpgate.policy.rulebook import programs, rules_for, rules_of
from tests.unit.policy.worlds import DATASET, POLICY, dataset, release, text

PAGE = Path(__file__).parents[4] / "docs" / "rules.md"


def test_the_tables_are_those_of_the_types(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert reference.with_tables(page) == page, "python -m dpgate.policy.cel.reference"
    copy = tmp_path / "rules.md"
    copy.write_text(page.replace("| `epsilon` | double |", "| `epsilon` | int |"))
    reference.main(str(copy))
    assert copy.read_text(encoding="utf-8") == page


def blocks() -> list[str]:
    found = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    of_policies = [block for block in found if "rules:" in block and "limits:" not in block]
    return [block.removeprefix("spec:\n") for block in of_policies]


def test_what_it_shows_of_a_dataset_can_be_used() -> None:
    (block,) = re.findall(r"dataset.yaml\nspec:\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    made = load(DATASET, text(DATASET).replace("spec:\n", f"spec:\n{block}", 1).encode())
    policy_file = load(POLICY, text(POLICY).encode())
    assert too_high(policy_file, made) == ()
    names = [bound.rule.id for bound, _ in programs(rules_for(policy_file, made))]
    assert names[-1] == "not-for-vendors"


def test_its_rules_can_be_used_and_say_what_is_wrong() -> None:
    """Each is judged twice: by facts that hold, or are not its business, and with `assert` reversed."""
    facts = {
        **of_documents(dataset(), release(), dt.date(2026, 11, 20)),
        "budget": Budget(
            scopes=(),
            before={"recipient:acme-scheduling": Decimal(0)},
            after={"recipient:acme-scheduling": Decimal(1)},
            limit={},
            remaining={},
        ),
        "history": History(releases=()),
        "history.recipients": {},
        "approvals": {"legal": Approval(have=2, needed=1)},
    }
    scene, seen = Scene(facts), []
    for block in blocks():
        policy = text(POLICY).replace("  policy_change:", f"{block}  policy_change:")
        bounds = rules_of(load(POLICY, policy.encode()))
        for _, program in programs(each for each in bounds if each.origin == "policy"):
            verdict = scene.judge(program)
            seen.append((program.source.id, verdict.outcome))
            turned = program.source._replace(
                when="true", assertion=f"!({program.source.assertion}) && false"
            )
            told = scene.judge(compile_rule(turned))
            assert told.outcome == "violated"
            assert "(" not in told.message, told
    expected = dict(seen)
    assert len(seen) == len(expected) == 11
    assert {name for name, outcome in seen if outcome == "error"} == set()
    assert expected.pop("small-for-vendors") == "violated"
    assert expected.pop("short-retention") == "violated"
    assert expected.pop("two-of-legal") == "not-about"
    assert set(expected.values()) == {"holds"}


@pytest.mark.parametrize(
    "word", ["10,000 steps", "20 additions (6 where", "300 listed values", "256 MiB"]
)
def test_it_states_the_bounds(word: str) -> None:
    from dpgate.policy.cel import apart, bounds, child

    assert word in " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (bounds.GROWING_JOINS_AT_MOST, bounds.LITERAL_AT_MOST) == (6, 300)
    assert (bounds.PATTERN_AT_MOST, bounds.REPEATS_AT_MOST) == (100, 20)
    assert child.MEMORY == 256 * 2**20
    assert (apart.SECONDS, apart.SECONDS_EACH) == (5.0, 0.02)
