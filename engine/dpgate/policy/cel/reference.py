"""The tables of facts in docs/rules.md, from their types: `python -m dpgate.policy.cel.reference`."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

from dpgate.policy.cel.roots import ROOTS
from dpgate.policy.cel.types import TYPES

BEGIN, END = "<!-- facts: begin -->", "<!-- facts: end -->"
_WORDS: Mapping[object, str] = {str: "string", int: "int", bool: "bool", Decimal: "double"}


def tables() -> str:
    """Markdown: the roots, then a table for each type."""
    lines = ["| begins with | is a | |", "|---|---|---|"]
    about = {kind.__name__: inspect.cleandoc(kind.__doc__ or "") for kind in TYPES}
    for root, name in ROOTS.items():
        told = about.get(name, _MAPS.get(root, ""))
        lines.append(f"| `{root}` | {_linked(name)} | {told.splitlines()[0]} |")
    lines.append("| `options` | | Values of a rule of the catalogue; its page names them. |")
    for kind in TYPES:
        lines += ["", f"### {kind.__name__}", "", *_paragraphs(about[kind.__name__])]
        lines += ["| field | type | |", "|---|---|---|"]
        hints, texts = get_type_hints(kind), dict(_texts(kind))
        for field in fields(kind):
            text = " ".join(texts.get(field.name, "").split())
            lines.append(f"| `{field.name}` | {_type(hints[field.name])} | {text} |")
    return "\n".join(lines)


_MAPS = {
    "history.recipients": "Of each recipient of this release, the attempts that named them.",
    "approvals": "By role; every role with keys is there.",
}


def _paragraphs(text: str) -> tuple[str, ...]:
    """What is said of a type beyond its first line, which the first table says."""
    rest = text.partition("\n\n")[2]
    return (" ".join(rest.split()), "") if rest else ()


def _linked(kind: str) -> str:
    inner = kind.rpartition(" ")[2].rstrip(")").removeprefix("list(")
    return f"[{kind}](#{inner.lower()})"


def _type(hint: object) -> str:
    given = get_args(hint)
    if get_origin(hint) is tuple:
        return f"list({_type(given[0])})"
    if get_origin(hint) is Mapping:
        return f"map(string, {_type(given[1])})"
    return _WORDS.get(hint) or _linked(getattr(hint, "__name__", ""))


def _texts(kind: type) -> Iterator[tuple[str, str]]:
    """Fields of a type, each with the string that stands right below it."""
    definition = ast.parse(inspect.getsource(kind)).body[0]
    for above, below in itertools.pairwise(getattr(definition, "body", ())):
        match above, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)


def with_tables(page: str) -> str:
    """A page with its tables brought up to date."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def main(place: str = "docs/rules.md") -> None:
    """Bring the page up to date."""
    page = Path(place)
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":  # pragma: no cover - run by hand
    main(*sys.argv[1:2])
