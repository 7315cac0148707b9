"""What a scenario can do about rules that stand in the way, and waivers of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from tests.suites import waiving
from tests.team import POLICY, Team

_LAST = "  policy_change: {roles: [privacy, legal]}\n"
_PLACE = "policies/waivers/terms.yaml"


def soft_rule_in_the_way(team: Team) -> None:
    """The policy in force has a soft rule that the release breaks, and admits waivers."""
    rules = waiving.RULES.lstrip("\n").replace("assert: 'false'", "assert: 'true'")
    team.edit(POLICY, _LAST, _LAST + rules)
    team.commit("Rules")
    team.approve("policy")
    team.adopt()


def _write(team: Team, days: int, **given: str) -> None:
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    team.write(_PLACE, waiving.text(expires=day, **given))
    team.commit("A waiver")


def waiver(team: Team) -> None:
    _write(team, 9)


def waiver_of_a_hard_rule(team: Team) -> None:
    _write(team, 9, rule="no-acme")


def waiver_of_yesterday(team: Team) -> None:
    _write(team, -1)


def waiver_of_a_misspelt_release(team: Team) -> None:
    _write(team, 9, release="clinic-visits/vendor-test")


def waiver_edited(team: Team) -> None:
    team.edit(_PLACE, "PRIV-7", "PRIV-8")
    team.commit("A better ticket")


def signatures_committed(team: Team) -> None:
    team.commit("Signed")


ACTIONS: dict[str, Callable[[Team], None]] = {
    name.replace("_", "-"): action
    for name, action in list(globals().items())
    if callable(action) and getattr(action, "__module__", "") == __name__
}
