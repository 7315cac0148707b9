"""docs/findings.md: its table is made here, from the code that decides."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dpgate.cli.main import cli
from dpgate.gate.waivers_told import waiving
from dpgate.model.finding import Finding, Outcome
from dpgate.model.rule import Enforcement
from dpgate.policy.enforcement import decide
from tests.suites.waiving import ALL, DAY, RELEASE, Bench, bench

PAGE = Path(__file__).parents[3] / "docs" / "findings.md"
BEGIN = "<!-- what each combination does: made by tests/unit/gate/test_findings_page.py -->\n"
END = "<!-- end -->"

RULES: dict[Enforcement, str] = {"advisory": "polite", "soft": "few-rows", "hard": "no-acme"}
FOUND: dict[Outcome, str] = {"violated": "violated", "error": "cannot be evaluated"}
WAIVERS = ("none", "in force", "unsigned", "expired")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def rows(people: Bench) -> Iterator[str]:
    """The lines of the table."""
    yield "| the rule is | and was | waiver of it | its finding | of the waiver | exit |"
    yield "|---|---|---|---|---|---|"
    for enforcement, rule in RULES.items():
        for outcome, words in FOUND.items():
            for waiver in WAIVERS:
                made = judged(people, enforcement, rule, outcome, waiver)
                denied = any(finding.level == "deny" for finding in made)
                told = [shown(finding) for finding in made] + ["–"] * (2 - len(made))
                first = f"| {enforcement} | {words} | {waiver} |"
                yield f"{first} {told[0]} | {told[1]} | {int(denied)} |"


def judged(
    people: Bench, enforcement: Enforcement, rule: str, outcome: Outcome, waiver: str
) -> tuple[Finding, ...]:
    """The finding of a rule as it counts, and what is said of the waiver."""
    day = DAY - dt.timedelta(days=1) if waiver == "expired" else DAY
    signers = () if waiver == "unsigned" else ALL
    offers = () if waiver == "none" else (people.offer(*signers, rule=rule, expires=day),)
    waivers = waiving(offers, RELEASE, people.rules, people.ground)
    found = Finding(
        rule=rule, level="deny", message="m", fix="f", enforcement=enforcement, outcome=outcome
    )
    counted = waivers.aside((decide(found),))
    return counted + waivers.findings(counted)


def shown(finding: Finding) -> str:
    mark = "✗ denies" if finding.level == "deny" else "! warns"
    return f"{mark}, `waived, would fail: …`" if finding.outcome == "waived" else mark


def test_the_page_has_the_table_that_the_code_makes(people: Bench) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = text.partition(BEGIN)[2].partition(END)[0]
    made = "\n".join(rows(people)) + "\n"
    assert found == made, f"put this into {PAGE.name}:\n{made}"


def test_no_error_and_no_hard_rule_is_ever_waived(people: Bench) -> None:
    for enforcement, rule in RULES.items():
        for outcome in FOUND:
            for waiver in WAIVERS:
                first, *_ = judged(people, enforcement, rule, outcome, waiver)
                waived = (enforcement, outcome, waiver) == ("soft", "violated", "in force")
                assert (first.outcome == "waived") == waived
                assert (first.level == "warn") == (
                    waived or (enforcement, outcome) == ("advisory", "violated")
                )


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_command_has_its_exit_codes() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| command |")[2]
    told = set()
    for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        names = re.findall(r"`([a-z -]+)`", line)
        group = names[0].rpartition(" ")[0]
        told |= {name if " " in name or not group else f"{group} {name}" for name in names}
    assert told == set(commands(cli))
