"""Text reports of rules: all of them in lines, or one in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from dpgate.gate.policy_results import RuleLine, RuleResult, RulesResult, Said
from dpgate.report.words import next_line, tick


def rules(result: RulesResult) -> RenderableType:
    """A line for each rule: first those that people wrote or switched on."""
    own = [rule for rule in result.rules if rule.origin != "built-in"]
    rest = [rule for rule in result.rules if rule.origin == "built-in"]
    lines: list[RenderableType] = []
    if own:
        lines += [Text("of the policy and of datasets", style="bold"), *_lines(own), Text("")]
    lines += [Text("built in: nobody can switch them off", style="bold"), *_lines(rest), Text("")]
    return Group(*lines, *next_line("dpgate policy explain RULE"))


def _lines(rules: Iterable[RuleLine]) -> Iterator[Text]:
    chosen = list(rules)
    width = max(len(rule.id) for rule in chosen)
    for rule in chosen:
        mark = "warns" if rule.enforcement == "advisory" else rule.enforcement
        place = f"   {rule.place}" if rule.origin != "built-in" else ""
        yield Text.assemble(
            f"  {rule.id:<{width}}  ", (f"{mark:<5}", "dim"), f"  {rule.title}", (place, "dim")
        )


def rule(result: RuleResult) -> RenderableType:
    """One rule: what it says, what it reads, who may waive it, and which tests show it."""
    line = result.rule
    where = "built into dpgate: " if line.origin == "built-in" else ""
    rows = [
        Text.assemble((line.id, "bold"), f"   {line.title}"),
        Text(f"  {line.origin}, {line.enforcement}   {where}{line.place}", style="dim"),
    ]
    rows += [Text(f"  {result.because}")] if result.because else []
    if result.text:
        rows += [Text(""), *_table(result.text)]
    rows += [Text(""), Text(f"  reads     {', '.join(result.reads) or 'nothing'}")]
    rows += [Text(f"  page      {result.page} of dpgate")] if result.page else []
    rows.append(Text(f"  waived by {result.waiver}"))
    rows += [Text(f"  {text}") for text in _tests(result)]
    if result.release:
        holds = result.verdict in ("it holds", "it is not about this release")
        open_ = result.verdict.startswith("not judged")
        mark = Text("–", style="dim") if open_ else tick(ok=holds)
        rows += [Text(""), Text.assemble(mark, f" {result.release}: {result.verdict}")]
        rows += _table(result.values)
    return Group(*rows)


def _table(pairs: Iterable[Said]) -> Iterator[Text]:
    chosen = list(pairs)
    width = max((len(pair.name) for pair in chosen), default=0)
    for pair in chosen:
        value = pair.value.strip().replace("\n", "\n" + " " * (width + 4))
        yield Text.assemble((f"  {pair.name:<{width}}  ", "dim"), value)


def _tests(result: RuleResult) -> Iterator[str]:
    if not result.tests:
        yield "tests     none shows it: dpgate policy test"
    for shown in result.tests:
        how = "it holds" if shown.how == "holds" else "it fails"
        yield f"tests     {how}: {shown.case}   {shown.file}:{shown.line}"
