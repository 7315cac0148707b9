"""A page for each rule of the catalogue, and an index: ``python -m dpgate.loading.catalogue.pages``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from dpgate.loading.catalogue import shipped, values
from dpgate.model.catalogue import CatalogueRule, Chosen, Example, Fragment
from dpgate.model.rule import Enforcement

_ENFORCED: dict[Enforcement, str] = {
    "hard": "hard: it denies, and no waiver changes that",
    "soft": "soft: it denies unless a waiver is in force",
    "advisory": "advisory: it warns",
}
_LATER = re.compile(r"\b(budget|history|approvals)\b")
_INDEX_HEAD = """# Rules that come with dpgate

A policy switches them on by name, and sets their options; what is not set has its default:

```yaml
spec:
  catalogue:
    required-terms: {}
    epsilon-by-purpose:
      enforcement: hard                # or soft (a waiver can lift it), or advisory (it warns)
      options: {at_most: {vendor-testing: 0.5}, otherwise: 1}
```

An id, an option or a class, purpose or role that does not exist is an error with its line and column.
Under its id a rule means the same for ever, since records are judged again by the policy of their
time: one that has to change is a new rule. They are written in CEL like an organization's own
([docs/rules.md](../rules.md)); `check` judges those that need documents alone, `plan`, `release` and
`verify` all of them.

"""


def pages() -> dict[str, str]:
    """The text of each page, by file name."""
    rules = tuple(shipped.rule(name) for name in shipped.names())
    found = {f"{known.rule.id}.md": "\n".join(_page(known)) for known in rules}
    return {"README.md": _INDEX_HEAD + "\n".join(_index(rules)), **found}


def needs_ledger(known: CatalogueRule) -> bool:
    """Whether a rule looks at more than documents and the day."""
    return bool(_LATER.search(f"{known.rule.when} {known.rule.assert_}"))


def _index(rules: tuple[CatalogueRule, ...]) -> Iterator[str]:
    for topic in sorted({known.topic for known in rules}):
        yield f"## {topic.capitalize()}\n"
        yield "| rule | what it demands | enforcement | judged from |"
        yield "|---|---|---|---|"
        for known in rules:
            if known.topic == topic:
                rule = known.rule
                since = "plan" if needs_ledger(known) else "check"
                link = f"[{rule.id}]({rule.id}.md)"
                yield f"| {link} | {rule.title} | {rule.enforcement} | `{since}` |"
        yield ""


def _page(known: CatalogueRule) -> Iterator[str]:
    rule = known.rule
    yield f"# {rule.id}: {rule.title}\n"
    where = "`plan`, `release` and `verify`"
    yield f"{known.topic.capitalize()} · {_ENFORCED[rule.enforcement]} · judged by " + (
        where if needs_ledger(known) else f"`check`, {where}"
    )
    yield f"\n{known.rationale}"
    yield "## Switch it on\n"
    yield from _yaml(f"catalogue:\n  {rule.id}: {_chosen(known.example)}")
    yield from _options(known)
    yield from _case("Denied", known.example.fails, known.example.given)
    yield f"✗ {known.example.says}   [{rule.id}]\n  fix: {rule.help}\n```\n"
    yield from _case("Allowed", known.example.passes, None)
    yield from _source(known)
    yield "[All rules](README.md) · [how rules are written and judged](../rules.md)\n"


def _chosen(example: Example) -> str:
    chosen = Chosen(options=example.options)
    return f"{{options: {values.written(chosen.options)}}}" if chosen.options else "{}"


def _options(known: CatalogueRule) -> Iterator[str]:
    if not known.options:
        yield "It has no options.\n"
        return
    yield "| option | takes | unit | default | what it says |"
    yield "|---|---|---|---|---|"
    for name, option in known.options.items():
        takes = values.expected(option).partition(", such as")[0]
        default = "none: it must be given"
        if option.default is not None:
            default = f"`{values.written(option.default)}`"
        yield f"| `{name}` | {takes} | {option.unit or ''} | {default} | {option.about} |"
    yield ""


def _case(title: str, fragment: Fragment, given: str | None) -> Iterator[str]:
    yield f"## {title}\n"
    if given is not None:
        yield f"Where {given}:\n"
    for name, text in (("dataset", fragment.dataset), ("release", fragment.release)):
        if text:
            yield from _yaml(text, f"{name}.yaml")
    if title == "Denied":
        yield "```"


def _yaml(text: str, file: str = "policies/organization.yaml") -> Iterator[str]:
    yield f"```yaml\n# {file}"
    lines = text.rstrip("\n").split("\n")
    if not text.startswith("metadata:"):
        lines = ["spec:", *(f"  {line}" for line in lines)]
    # `null` takes a key out of the example of `init`; people need not see it.
    yield "\n".join(line for line in lines if not line.endswith(": null"))
    yield "```\n"


def _source(known: CatalogueRule) -> Iterator[str]:
    rule = known.rule
    yield "## As it is written\n"
    yield "```yaml"
    if rule.when != "true":
        yield f"when: |-\n{_indented(rule.when)}"
    yield f"assert: |-\n{_indented(rule.assert_)}"
    yield f"message: |-\n{_indented(rule.message)}"
    if rule.at is not None:
        yield f"at: {rule.at}"
    yield "```\n"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def write(folder: Path) -> None:
    """Write every page into a folder, and remove pages of rules that are no more."""
    made = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for place in folder.glob("*.md"):
        if place.name not in made:
            place.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules"))
