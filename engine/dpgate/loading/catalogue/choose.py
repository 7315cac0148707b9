"""Which rules of the catalogue a policy switches on, with the values of their options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dpgate.errors import Problem
from dpgate.loading.catalogue import shipped, values
from dpgate.loading.yaml import Path
from dpgate.model.catalogue import CatalogueRule, Chosen, Option
from dpgate.model.policy import PolicySpec, PrivacyPolicy
from dpgate.model.rule import Rule

if TYPE_CHECKING:
    from dpgate.loading.documents import Loaded

_AT: Path = ("spec", "catalogue")


@dataclass(frozen=True, kw_only=True)
class Active:
    """A rule that a policy has switched on."""

    rule: Rule
    """With the enforcement that the policy chose."""
    options: Mapping[str, object]
    """The value of every option."""
    types: tuple[tuple[str, str], ...]
    """The type of every option in expressions: (("at_most", "double"),)."""
    page: str
    """Where it is documented."""


def active(spec: PolicySpec) -> tuple[Active, ...]:
    """The rules of the catalogue that a valid policy has switched on, in its order."""
    return tuple(_active(shipped.rule(name), chosen) for name, chosen in spec.catalogue.items())


def _active(known: CatalogueRule, chosen: Chosen) -> Active:
    enforcement = chosen.enforcement or known.rule.enforcement
    return Active(
        rule=known.rule.model_copy(update={"enforcement": enforcement}),
        options={
            name: values.settled(option, chosen.options.get(name, option.default))
            for name, option in known.options.items()
        },
        types=tuple((name, values.CEL[option.type]) for name, option in known.options.items()),
        page=shipped.page(known.rule.id),
    )


def problems(loaded: Loaded, policy: PrivacyPolicy) -> tuple[Problem, ...]:
    """What a policy asks of the catalogue that is not in it, each at its line and column."""
    return tuple(
        Problem(
            file=loaded.file,
            line=place[0],
            column=place[1],
            message=f"spec.catalogue: {message}",
            fix=fix,
        )
        for place, message, fix in sorted(_faults(loaded, policy.spec))
    )


def _faults(loaded: Loaded, spec: PolicySpec) -> Iterator[tuple[tuple[int, int], str, str]]:
    keys = loaded.parsed.keys
    own = {rule.id for rule in spec.rules}
    for name, chosen in spec.catalogue.items():
        path = (*_AT, name)
        if name not in shipped.names():
            yield keys[path], f"no rule {name!r} in the catalogue", _closest(name, shipped.names())
            continue
        if name in own:
            yield (
                keys[path],
                f"id {name} is that of one of the policy's own rules",
                "rename that one",
            )
        options = shipped.rule(name).options
        for option, value in chosen.options.items():
            at = (*path, "options", option)
            if option not in options:
                yield keys[at], f"rule {name} has no option {option!r}", _closest(option, options)
                continue
            for inner, message, fix in values.faults(options[option], value, spec):
                where = (*at, *inner)
                # A word that is a key is at fault where it stands, not its value.
                place = keys[where] if message.startswith("no ") and where in keys else None
                yield place or loaded.at(*where), f"option {option} of {name}: {message}", fix
        for option, known in options.items():
            if known.default is None and option not in chosen.options:
                yield keys[path], f"rule {name} needs its option {option}", _how(option, known)


def _how(name: str, option: Option) -> str:
    return f"options: {{{name}: {values.written(option.suggested)}}}: {option.about}"


def _closest(name: str, known: Iterable[str]) -> str:
    options = tuple(known)
    close = get_close_matches(name, options, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(each) for each in close) + "?"
    return (
        "known: " + (", ".join(options) or "none")
        if len(options) < 10
        else "list: docs/rules/README.md"
    )
