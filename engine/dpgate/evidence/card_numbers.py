"""The words of a card of statistics: what was asked, what came out, and how accurate it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dpgate.evidence.card_words import listed, safe, terms

_WORDS = {
    "count": "Number of rows",
    "sum": "Sum of {of}",
    "mean": "Mean of {of}",
    "quantiles": "Quantiles of {of}",
    "top": "The {k} most frequent values of {of}",
}


def what(content: Mapping[str, Any]) -> Iterator[str]:
    """The first paragraph."""
    count = len(content["queries"])
    yield (
        f"Noisy answers to {count} quer{'y' if count == 1 else 'ies'} about the population "
        f"{safe(content['population'])}, each in a file of its own. Release `{content['release']}`."
    )
    yield from terms(content)


def queries(asked: list[dict[str, Any]]) -> Iterator[str]:
    """Every query with its accuracy and its first lines."""
    for query in asked:
        title = f": {safe(query['title'])}" if "title" in query else ""
        yield f"### {safe(query['name'])}{title}"
        yield ""
        words = _WORDS[query["type"]].format(of=safe(query.get("of")), k=query.get("k"))
        groups = f" by {listed(query['by'])}" if query.get("by") else ""
        cut = ", counts below 0 published as 0" if query.get("nonnegative") else ""
        noise = f"integer {query['noise'].capitalize()} noise"
        yield f"{words}{groups}; {noise}{cut}. 95 %: {'; '.join(map(safe, query['accuracy']))}."
        yield ""
        yield from _lines(query)
        yield ""


def _lines(query: Mapping[str, Any]) -> Iterator[str]:
    shown = query["shown"]
    names = [name for name in shown[0] if name != "confidence"]
    yield "| " + " | ".join(safe(name) for name in names) + " |"
    yield "|" + "---|" * len(names)
    for line in shown:
        yield "| " + " | ".join(_cell(line[name]) for name in names) + " |"
    if query["lines"] > len(shown):
        yield ""
        yield f"The first {len(shown)} of {query['lines']} lines; the file has all."


def _cell(value: object) -> str:
    if value is None:
        return "missing"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else safe(value)


def limits() -> Iterator[str]:
    """What such numbers do not say."""
    yield (
        "- Each interval covers the number in the source, with its values moved into their columns' "
        "bounds, in 95 % of releases. It is about the noise alone: not about sampling, and not about "
        "all numbers at once; of a hundred intervals about five miss."
    )
    yield "- Numbers do not add up exactly: each has noise of its own. A count below 0 is noise."
    yield "- A mean or a quantile of a group that may have no rows says nothing: look at its count."
    yield (
        "- Quantiles are interpolated within public bins; their intervals end at the edges of bins. "
        "Of the most frequent values, one that was left out may be as frequent, within the margin."
    )
    yield "- ε and δ bound what this release discloses. What the whole population shares, it shows."
