"""Every fault of a rule: where it stands, what it is in plain words, and what to do."""

from __future__ import annotations

import pytest

from dpgate.policy.cel import wording
from dpgate.policy.cel.compile import compile_rule, uses
from dpgate.policy.cel.source import Fault, RuleError, Source
from dpgate.policy.cel.template import Hole, TemplateError, parts

_SUM = "dataset.sensitivities"


def faults(assertion: str, message: str = "no", **keys: object) -> tuple[Fault, ...]:
    with pytest.raises(RuleError) as found:
        compile_rule(Source("a-rule", "true", assertion, message, **keys))  # type: ignore[arg-type]
    assert found.value.rule == "a-rule"
    return found.value.faults


@pytest.mark.parametrize(
    ("assertion", "at", "message", "fix"),
    [
        (
            "release.epsiln <= 3.0",
            "epsiln",
            "release has no field epsiln",
            "did you mean epsilon? ",
        ),
        ("release.utility[0].at_mst < 1.0", "at_mst", "Threshold has no field at_mst", "did you"),
        ("dataset.columns.all(c, c.qzx)", "qzx", "Column has no field qzx", "fields of Column: n"),
        ("relese.epsilon < 1.0", "relese", "there is no name relese", "did you mean release? "),
        ("release.epsilon <= 3", "<= 3", "<= does not take double and int", "write 3.0: "),
        ("3 >= release.epsilon", ">= r", ">= does not take int and double", "write 3.0: "),
        (
            "release.epsilon < release.rows",
            "< r",
            "< does not take double and int",
            "write double(",
        ),
        ("release.title == 3", "== 3", "== does not take string and int", "both sides must be"),
        ("release.title.lower() == 'x'", "(", "there is no function lower", "functions: all"),
        ("foo(release)", "(", "there is no function foo", "functions: all"),
        ("release.epsilon <=", None, "is not an expression in CEL: mismatched", "the language"),
        ("release.title.map(t, 1)", "title", "is not an expression in CEL: ", "the language"),
        ("options.most > 1", "options", "options are for rules of a catalogue", "write the value"),
        ("release.title", "release", "must be true or false; this is string", "compare it"),
        ("(" * 40 + "true" + ")" * 40, "(((", "is nested too deeply", "at most 32 levels"),
        ("[1] + [2] == [1, 2]", "+", "joins lists", "ask each list on its own"),
        ("['a'" + "+'a'" * 7 + "] == ['']", "+'a'] ==", "adds more than 6 times", "split"),
        (
            f"{_SUM}.map(s, s{'+s' * 7}).exists(s, s == '')",
            "+s).e",
            "adds more than 6 times",
            "split",
        ),
        ("'a'" + "+'a'" * 21 + " == ''", "+'a' == ''", "adds more than 20 times", "split"),
        (f"1 in [{'1,' * 301}1]", "1 in", "lists too many values", "at most 300"),
        ("'a'.matches(release.title)", "matches", "a pattern must be written out", "x.matches("),
        ("matches('a', 'b')", "matches", "a pattern must be written out", "x.matches("),
        (f"'a'.matches('{'a' * 101}')", "'aaa", "a pattern is too large", "at most 100"),
        ("'a'.matches('(a{9}b{,3}){2,3}')", "'(a{", "a pattern is too large", "20 counted"),
        ("'a'.matches('a\\x7b0,99\\x7d')", "'a\\x7b", "a pattern is too large", "at most"),
        ("'a'.matches(r'\\pL')", "r'", "a pattern names a class of Unicode", "write [A-Za-z]"),
    ],
)
def test_a_fault_is_told_at_its_place_with_what_to_do(
    assertion: str, at: str | None, message: str, fix: str
) -> None:
    ((key, offset, told, todo),) = faults(assertion)
    assert key == "assert"
    assert assertion[offset:].startswith(at) if at is not None else offset == len(assertion)
    assert told.startswith(message)
    assert todo.startswith(fix) or fix in todo


def test_each_expression_of_a_rule_has_its_own_fault() -> None:
    with pytest.raises(RuleError) as found:
        compile_rule(Source("a-rule", "relese.x", "1", "{a} and {b.c} {{x}}"))
    assert [(fault.key, fault.offset) for fault in found.value.faults] == [
        ("when", 0),
        ("assert", 0),
        ("message", 1),
        ("message", 9),
    ]


def test_lines_and_characters_beyond_ascii_are_counted_as_they_stand() -> None:
    assertion = "release.title == 'é𝕏' &&\n  release.epsiln > 1.0"
    ((_, offset, _, _),) = faults(assertion)
    assert assertion[offset:].startswith("epsiln")


@pytest.mark.parametrize(
    ("message", "offset", "told"),
    [
        ("a } b", 2, "a } without a {"),
        ("a {release.title", 2, "a { without its }"),
        ("{'}'", 0, "a { without its }"),
        ("a { } b", 2, "nothing between { and }"),
    ],
)
def test_a_message_whose_braces_do_not_match(message: str, offset: int, told: str) -> None:
    assert faults("true", message) == (
        Fault("message", offset, told, "{{ and }} stand for braces themselves"),
    )


def test_a_message_is_text_and_expressions() -> None:
    found = parts("ε {a.b} of {{x}}: { {'k}': \"}\"}['k}'] }")
    assert found == (
        "ε ",
        Hole("a.b", 3),
        " of {x}: ",
        Hole(" {'k}': \"}\"}['k}'] ", 19),
    )
    assert parts("") == ()
    with pytest.raises(TemplateError):
        parts("}")


def test_options_are_named_where_one_is_misspelt() -> None:
    options = (("at_most", "double"), ("of", "list(string)"))
    ((_, _, told, fix),) = faults("release.epsilon <= options.at_mots", options=options)
    assert told == "there is no option at_mots"
    assert fix == "did you mean at_most? options of this rule: at_most, of"


def test_a_condition_of_an_approval_knows_documents_and_the_day() -> None:
    ((_, _, told, fix),) = faults("history.releases.size() > 0", early=True)
    assert (told, fix) == ("history is not known here", "known here: release, dataset, clock")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("release.epsilon > 1.0", {"release"}),
        ("'history' in history.recipients", {"history.recipients"}),
        ("history.releases.size() > 0", {"history"}),
        ("dataset.columns.exists(budget, budget.name == 'approvals')", {"dataset"}),
        ("approvals['legal'].have > 0 && clock.year > 1", {"approvals", "clock"}),
        ("true", set()),
    ],
)
def test_what_an_expression_uses_is_what_it_cannot_do_without(
    text: str, expected: set[str]
) -> None:
    assert uses(text) == expected


def test_rules_are_judged_as_soon_as_they_can_be() -> None:
    stages = {
        "release.epsilon < 1.0": "documents",
        "budget.after['lifetime'] < 1.0": "ledger",
        "history.releases.size() > 0": "ledger",
        "approvals['a'].have > budget.scopes.size()": "approvals",
    }
    for assertion, stage in stages.items():
        assert compile_rule(Source("a", "true", assertion, "m")).stage == stage
    assert compile_rule(Source("a", "true", "true", "{approvals.size()}")).stage == "approvals"


def test_mapping_and_adding_text_are_no_joined_lists() -> None:
    text = "dataset.columns.map(c, c.name + 'x').filter(n, n != '').size() > 0 // a + b"
    assert compile_rule(Source("a", "true", text, "m")).stage == "documents"


def test_text_that_is_not_taken_up_again_can_be_added_more_often() -> None:
    once = "dataset.columns.filter(c, c.name + '/' + c.type + '/' + c.name != '').map(c, c.name"
    text = (
        f"release.terms.all(t, t + 'x' != '') && ({once} + '+' + c.type + ':' + c.name)).size() > 0"
    )
    assert compile_rule(Source("a", "true", text, "m")).stage == "documents"


def test_an_answer_that_nobody_foresaw_is_an_error_still() -> None:
    assert wording.first("something else", "x", ()) == (
        0, "is not an expression in CEL", "the language: docs/rules.md",
    )  # fmt: skip
    assert wording.offset_of("a\nb", 9, 1) == 0
