"""The words of a data card, from its content alone.

Privacy is worded with its numbers: no adjective stands for ε, δ, the relation and the unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from dpgate.accounting.rounding import WORKING, significant_up
from dpgate.evidence import card_evidence, card_numbers
from dpgate.evidence.card_words import listed, safe, terms
from dpgate.model.values import plain, plus_bits

_SHOWN = 12
"""Listed values of a column that the text shows; the JSON card has all."""
_CHANGE = {
    "add-remove": "one {unit} more or less",
    "replace-one": "one {unit} replaced by any other",
}


def markdown(content: Mapping[str, Any]) -> str:
    """The card as Markdown; the same content gives the same text.

    Args:
        content: what `dpgate.evidence.card.card` writes as JSON.
    """
    lines = [f"# {safe(content['title'] or content['release'])}", ""]
    privacy = ("Privacy", _privacy(content["privacy"], content["population"]))
    columns = ("Columns", _columns(content["columns"], content["constraints"]))
    if content["synthetic"]:
        sections = (
            ("", _what(content)),
            privacy,
            columns,
            ("Evidence", card_evidence.evidence(content)),
            ("What not to assume", _limits(content)),
        )
    else:
        sections = (
            ("", card_numbers.what(content)),
            ("Queries", card_numbers.queries(content["queries"])),
            privacy,
            columns,
            ("What not to assume", card_numbers.limits()),
        )
    for title, section in sections:
        lines += [f"## {title}", ""] if title else []
        lines += [*section, ""]
    return "\n".join(lines)


def _what(content: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{content['rows']} synthetic rows drawn by `{content['synthesizer']}` from a model of the "
        f"population {safe(content['population'])}. Release `{content['release']}`."
    )
    yield from _tables(content)
    yield from _again(content)
    yield from terms(content)


def _tables(content: Mapping[str, Any]) -> Iterator[str]:
    """Which columns are in which of two tables, and how they are joined."""
    if "tables" not in content:
        return
    joined, second = content["joined"], content["tables"][1]["name"]
    yield ""
    yield "| table | rows | columns |"
    yield "|---|---|---|"
    for table in content["tables"]:
        columns = ", ".join(safe(name) for name in table["columns"])
        yield f"| {table['name']} | {table['rows']} | {columns} |"
    yield ""
    key, most = safe(joined["key"]), joined["max_rows_per_person"]
    given = ", ".join(safe(name) for name in joined["context"]) or "nothing about the person"
    yield (
        f"Every row of {second} has the `{key}` of one of persons, and no person more than {most} rows "
        f"(bounded by: {safe(joined['source'])}; rows beyond it were left out at random before anything was "
        f"counted). Rows of {second} depend on {given}; given that, rows of one person are independent of "
        "each other and of the person's other columns."
    )


def _again(content: Mapping[str, Any]) -> Iterator[str]:
    """How rows came to be that were drawn again from a kept model."""
    again = content.get("drawn_again")
    if again is None:
        return
    yield ""
    yield (
        f"They were drawn again from the model that the release kept (ledger entry {again['entry']}), "
        "without opening the source: at no additional ε. The figures below are the release's."
    )
    if again["where"]:
        yield ""
        conditions = " and ".join(safe(condition) for condition in again["where"])
        yield f"Every row satisfies {conditions}."
    if again["balance"]:
        yield ""
        yield f"Values of {safe(again['balance'])} have as many rows each."


def _privacy(privacy: Mapping[str, Any], population: str) -> Iterator[str]:
    unit, bits = safe(privacy["unit"]), plus_bits(privacy.get("unprotected_bits", 0))
    epsilon, delta = privacy["epsilon"], privacy["delta"]
    change = _CHANGE[privacy["relation"]].format(unit=unit)
    yield "| protected | ε | δ |"
    yield "|---|---|---|"
    yield f"| one {unit} ({privacy['relation']}) | {epsilon}{bits} | {delta} |"
    person_delta = privacy["person_delta"] or "of the policy"
    rows = f"up to {privacy['rows_per_person']} rows"
    if "joined" in privacy:
        rows = f"1 row and up to {privacy['joined']['rows_per_person']} of {privacy['joined']['table']}"
    yield f"| one person, {rows} | {privacy['person_epsilon']}{bits} | {person_delta} |"
    yield ""
    but = f", but for a probability of {delta}" if Decimal(delta) else ""
    yield (
        f"With {change} in the source, the probability of any output changes by at most a factor "
        f"of {_factor(Decimal(epsilon))}{but}."
    )
    if bits:
        yield ""
        yield (
            "A threshold without noise lets out one bit about the source: whether it was met. No ε covers it; "
            "the policy allows it by name."
        )
    bound = f"Rows per person are bounded by: {safe(privacy['rows_per_person_source'])}"
    if privacy["rows_per_person_enforced"]:
        bound += "; rows beyond it were left out at random before anything was counted"
    yield (
        f"{bound}. Other releases about {safe(population)} add to these figures; their ledger holds the sum."
    )


def _factor(epsilon: Decimal) -> str:
    if epsilon > 20:
        return f"e^{plain(epsilon)}"
    return f"e^{plain(epsilon)} ≤ {plain(significant_up(epsilon.exp(WORKING), 3))}"


def _columns(columns: list[dict[str, Any]], constraints: list[str]) -> Iterator[str]:
    yield "| column | type | domain | missing | where the domain comes from |"
    yield "|---|---|---|---|---|"
    for column in columns:
        title = f" ({safe(column['title'])})" if column["title"] else ""
        name = f"{safe(column['name'])}{title}"
        if "made_up" in column:
            yield f"| {name} | identifier | made up ({column['made_up']}) | no | names nobody |"
            continue
        if "derived" in column:
            inputs = ", ".join(safe(each) for each in column["from"])
            yield f"| {name} | derived | {column['derived']} of {inputs} | | computed from them |"
            continue
        missing = "allowed" if column["nullable"] else "no"
        yield (
            f"| {name} | {column['type']} | {_domain(column['domain'])} "
            f"| {missing} | {_provenance(column['provenance'])} |"
        )
    if constraints:
        yield ""
        yield f"In every row: {'; '.join(safe(constraint) for constraint in constraints)}."


def _domain(domain: Mapping[str, Any]) -> str:
    if "values" not in domain:
        return f"{domain['min']} to {domain['max']}"
    values = domain["values"]
    more = f", … ({len(values)} values)" if len(values) > _SHOWN else ""
    return listed(values[:_SHOWN]) + more


def _provenance(provenance: Mapping[str, Any]) -> str:
    kind, value = next(iter(provenance.items()))
    if kind == "assumption":
        return f"assumption of {safe(value['by'])}: {safe(value['because'])}"
    if kind == "dp_estimate":
        return f"DP estimate, ledger entry {value['entry']}"
    return f"{kind.replace('_', ' ')}: {safe(value)}"


def _limits(content: Mapping[str, Any]) -> Iterator[str]:
    again = content.get("drawn_again")
    if again and not again["representative"]:
        yield (
            "- These rows were chosen by a condition or balanced: they do not represent the population, "
            "and shares, means and totals of theirs are not its own."
        )
    if again:
        yield "- The evidence was measured on the rows of the release, not on these."
    orders = sorted({result["order"] for result in content["evidence"] if "order" in result})
    highest = orders[-1] if orders else 0
    yield "- A row is no record of a person. It can equal one by chance."
    yield (
        f"- {content['rows']} rows were asked for; that says nothing about the size of the source. "
        "Standard errors computed as if rows were people sampled from the population are too small."
    )
    if highest:
        yield (
            f"- Utility is a mean over marginals of up to {highest} column{'s' * (highest > 1)}: "
            "one of them can be farther off. Relations among more columns were not measured."
        )
        yield "- A value of class dp carries noise. It passed or failed by the bad end of its interval."
    else:
        yield "- How close the rows are to the source was not measured."
    yield (
        "- Source values outside a column's domain were moved into it: tails beyond the stated "
        "bounds and unlisted categories do not appear as such."
    )
    yield "- ε and δ bound what this release discloses. What the whole population shares, it shows."
