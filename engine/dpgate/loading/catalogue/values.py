"""Values of a rule's options: what each type takes, and what is wrong with a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import get_args

from dpgate.loading.wording import describe
from dpgate.loading.yaml import Path
from dpgate.model.catalogue import Domain, Option, OptionType
from dpgate.model.formats import Format
from dpgate.model.policy import PolicySpec
from dpgate.model.values import plain

Fault = tuple[Path, str, str]
"""Where in the value, what is wrong, and what to do."""

_NAMED = ("numbers", "counts", "lists")
_WORDS: dict[OptionType, str] = {
    "number": "a number from 0 up",
    "count": "a whole number from 0 up",
    "flag": "true or false",
    "name": "a name",
    "names": "a list of names",
    "numbers": "numbers by name",
    "counts": "whole numbers by name",
    "lists": "lists by name",
}
_INNER: dict[OptionType, OptionType] = {"numbers": "number", "counts": "count", "lists": "names"}
CEL: dict[OptionType, str] = {
    "number": "double",
    "count": "int",
    "flag": "bool",
    "name": "string",
    "names": "list(string)",
    "numbers": "map(string, double)",
    "counts": "map(string, int)",
    "lists": "map(string, list(string))",
}
"""The type of an option in the expressions of its rule."""


def expected(option: Option) -> str:
    """What an option takes, in words: `numbers by purpose, such as {teaching: 0.5}`."""
    words = _WORDS[option.type]
    if option.keys is not None:
        words = words.replace("by name", f"by {option.keys}")
    if option.suggested is not None:
        words += f", such as {written(option.suggested)}"
    return words


def written(value: object) -> str:
    """A value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else str(value)


def settled(option: Option, value: object) -> object:
    """A value as the rule's expressions take it: numbers are decimals, also where written whole."""
    if option.type == "number":
        return Decimal(value)  # type: ignore[arg-type]  # `faults` found it to be a number
    if option.type == "numbers" and isinstance(value, Mapping):
        return {key: Decimal(inner) for key, inner in value.items()}
    return value


def faults(option: Option, value: object, spec: PolicySpec) -> Iterator[Fault]:
    """What is wrong with a value.

    Args:
        option: what it is given for.
        value: as YAML has it.
        spec: of the policy that sets it, whose words it may use.
    """
    if option.type not in _NAMED:
        yield from _plain(option, option.type, value, spec, ())
    elif not isinstance(value, dict):
        yield (), f"expected {expected(option)}; found {describe(value)}", ""  # type: ignore[arg-type]
    else:
        for key, inner in value.items():
            yield from _word(option.keys, key, spec, (key,))
            yield from _plain(option, _INNER[option.type], inner, spec, (key,))


def _plain(
    option: Option, kind: OptionType, value: object, spec: PolicySpec, path: Path
) -> Iterator[Fault]:
    """A value that is not by name."""
    if not _CHECKS[kind](value):
        wanted = _WORDS[kind] if path else expected(option)
        yield path, f"expected {wanted}; found {describe(value)}", ""  # type: ignore[arg-type]
    elif isinstance(value, tuple):
        for place, entry in enumerate(value):
            yield from _word(option.entries, entry, spec, (*path, place))
    elif isinstance(value, str):
        yield from _word(option.entries, value, spec, path)
    elif option.at_most is not None and isinstance(value, int | Decimal) and value > option.at_most:
        yield path, f"expected a number up to {plain(option.at_most)}; found {written(value)}", ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and value >= 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


_CHECKS: dict[OptionType, Callable[[object], bool]] = {
    "number": _is_number,
    "count": _is_count,
    "flag": lambda value: isinstance(value, bool),
    "name": lambda value: isinstance(value, str),
    "names": lambda value: isinstance(value, tuple) and all(isinstance(v, str) for v in value),
}


def _word(domain: Domain | None, word: str, spec: PolicySpec, path: Path) -> Iterator[Fault]:
    """A word that should be one of the policy's, or of another closed list."""
    if domain == "class/purpose":
        head, _, tail = word.partition("/")
        yield from _word("class", head, spec, path)
        yield from _word("purpose", tail, spec, path)
        return
    if domain == "country" and not re.fullmatch("[A-Z]{2}", word):
        yield path, f"expected a country code such as FR; found {word!r}", ""
        return
    known: dict[Domain | None, Collection[str]] = {
        "class": spec.classes,
        "purpose": spec.purposes,
        "role": spec.roles,
        "format": get_args(Format),
    }
    if domain in known and word not in known[domain]:
        close = get_close_matches(word, known[domain], n=1)
        listed = f"known here: {', '.join(known[domain])}"
        fix = f"did you mean {close[0]!r}?" if close else listed
        whose = "" if domain == "format" else " of the policy"
        yield path, f"no {domain} {word!r}{whose}", fix
