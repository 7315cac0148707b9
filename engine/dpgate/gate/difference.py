"""What changes from one policy to the next, in words, before anybody puts it in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

from dpgate.ledger.keys import parse_public
from dpgate.loading.catalogue.values import written
from dpgate.model.catalogue import Chosen
from dpgate.model.policy import Population, PrivacyPolicy, Quota, Role, SensitivityClass
from dpgate.model.rule import Rule
from dpgate.model.values import Frozen, plain, short

T = TypeVar("T")


def differences(before: PrivacyPolicy, after: PrivacyPolicy) -> tuple[str, ...]:
    """One sentence a change: limits first, then who decides, then the rest.

    Args:
        before: the policy in force.
        after: the policy that is to replace it.
    """
    old, new = before.spec, after.spec
    return (
        *_pairs("population", old.populations, new.populations, _population),
        *_pairs("class", old.classes, new.classes, _class),
        *_pairs("role", old.roles, new.roles, _role),
        *_pairs("rule", _by_id(old.rules), _by_id(new.rules), _rule),
        *_pairs("catalogue rule", old.catalogue, new.catalogue, _chosen),
        *_fields("", old, new, skip=("populations", "classes", "roles", "rules", "catalogue")),
        *_fields("metadata.", before.metadata, after.metadata),
    )


def _pairs(
    kind: str, old: dict[str, T], new: dict[str, T], compare: Callable[[str, T, T], Iterator[str]]
) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        if name not in old:
            yield f"{kind} {name} is added: {_added(new[name])}"
        elif name not in new:
            yield f"{kind} {name} is removed"
        else:
            yield from compare(name, old[name], new[name])


def _population(name: str, old: Population, new: Population) -> Iterator[str]:
    yield from _limit(f"lifetime limit of {name}", old.lifetime.epsilon, new.lifetime.epsilon)
    quotas = {_quota(quota): quota.epsilon for quota in old.quotas}
    renewed = {_quota(quota): quota.epsilon for quota in new.quotas}
    for quota in dict.fromkeys((*quotas, *renewed)):
        if quota not in renewed:
            yield f"quota of {name} for {quota} is removed: it allowed ε {plain(quotas[quota])}"
        elif quota not in quotas:
            yield f"quota of {name} for {quota} is added: ε {plain(renewed[quota])}"
        else:
            yield from _limit(f"quota of {name} for {quota}", quotas[quota], renewed[quota])
    yield from _fields(f"population {name}: ", old, new, skip=("lifetime", "quotas"))


def _quota(quota: Quota) -> str:
    what, value = quota.selector
    head = "everything" if what == "all" else f"{what} {value}"
    if quota.every:
        return f"{head}, every {quota.every}"
    return f"{head}, " + (f"last {quota.rolling_days} days" if quota.rolling_days else "lifetime")


def _class(name: str, old: SensitivityClass, new: SensitivityClass) -> Iterator[str]:
    what = f"ε of one release with {name} columns"
    yield from _limit(what, old.epsilon_per_release_at_most, new.epsilon_per_release_at_most)
    yield from _fields(f"class {name}: ", old, new, skip=("epsilon_per_release_at_most",))


def _role(name: str, old: Role, new: Role) -> Iterator[str]:
    had = {parse_public(text) for text in old.keys}
    has = {parse_public(text) for text in new.keys}
    for key in sorted(had - has, key=lambda k: k.fingerprint):
        yield f"role {name} loses key {key.fingerprint} {key.comment}".rstrip()
    for key in sorted(has - had, key=lambda k: k.fingerprint):
        yield f"role {name} gains key {key.fingerprint} {key.comment}".rstrip()
    yield from _fields(f"role {name}: ", old, new, skip=("keys",))


def _by_id(rules: tuple[Rule, ...]) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


def _rule(name: str, old: Rule, new: Rule) -> Iterator[str]:
    for field in type(old).model_fields:
        left, right = getattr(old, field), getattr(new, field)
        if left != right:
            yield f"rule {name}: {field.rstrip('_')}: {_text(left)} → {_text(right)}"


def _chosen(name: str, old: Chosen, new: Chosen) -> Iterator[str]:
    if old.enforcement != new.enforcement:
        words = [each.enforcement or "its own enforcement" for each in (old, new)]
        yield f"catalogue rule {name}: {words[0]} → {words[1]}"
    for option in dict.fromkeys((*old.options, *new.options)):
        left, right = (
            written(each.options[option]) if option in each.options else "its default"
            for each in (old, new)
        )
        if left != right:
            yield f"catalogue rule {name}: {option}: {left} → {right}"


def _limit(what: str, old: Decimal, new: Decimal) -> Iterator[str]:
    if old != new:
        word = "raised" if new > old else "lowered"
        yield f"{what} is {word}: ε {plain(old)} → {plain(new)}"


def _fields(place: str, old: Frozen, new: Frozen, skip: tuple[str, ...] = ()) -> Iterator[str]:
    for name in type(old).model_fields:
        left, right = getattr(old, name), getattr(new, name)
        if name in skip or left == right:
            continue
        if isinstance(left, Frozen) and type(left) is type(right):
            yield from _fields(f"{place}{name}.", left, right)
        else:
            yield f"{place}{name}: {_text(left)} → {_text(right)}"


def _added(value: object) -> str:
    """A rule is told as its author wrote it, a line for each part: whoever adopts it reads it here."""
    if not isinstance(value, Rule):
        return _text(value)
    parts: dict[str, str | None] = {
        "when": value.when,
        "assert": value.assert_,
        "message": value.message,
    }
    parts |= {"help": value.help, "at": value.at}
    told = (f"\n    {name}: {_one_line(text)}" for name, text in parts.items() if text)
    return f"{_one_line(value.title)} ({value.enforcement}){''.join(told)}"


def _one_line(text: str) -> str:
    """Text of a policy on one line: a break of its own would forge a sentence of ours.

    Where a comment in CEL ends stays visible: what follows it counts, and must not look like part of it.
    """
    end = " ⏎ " if "//" in text else " "
    return end.join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return short(value)
    if isinstance(value, Chosen):
        enforcement = f"{value.enforcement}, " if value.enforcement else ""
        options = f"options {written(value.options)}" if value.options else "as it comes"
        return f"{enforcement}{options}"
    if isinstance(value, Frozen):
        fields = type(value).model_fields.items()
        given = ((field.alias or key, getattr(value, key)) for key, field in fields)
        return ", ".join(f"{key} {_text(inner)}" for key, inner in given if inner is not None)
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) + "}"
    return "nothing" if value is None else _one_line(str(value))
