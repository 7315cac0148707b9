"""Every finding and every problem stands on a line and column that exist, on the word it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from dpgate.errors import DocumentError, Problem
from dpgate.gate.regions import with_ends
from dpgate.loading.documents import load
from dpgate.model.finding import Finding
from tests.unit.policy import worlds
from tests.unit.policy.test_queries import CASES as QUERY_CASES
from tests.unit.policy.test_queries import asking
from tests.unit.policy.test_rules import CASES, judge

MALFORMED = sorted((Path(__file__).parents[2] / "assets" / "malformed").glob("*.yaml"))
WHOLE = (
    *("not allowed", "not UTF-8", "this is not YAML", "the file is empty", "a second document"),
    *("a mapping was expected at the top", "nested deeper than", "a key must be text"),
)
"""What is said of characters, spelling and files; their own goldens have these places."""


def text_at(lines: list[str], place: Problem | Finding) -> str:
    """What is underlined, its lines joined by a line end."""
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1
    if not place.end_line:
        return lines[place.line - 1][place.column - 1 :]
    assert (place.line, place.column) < (place.end_line, place.end_column)
    assert place.end_line <= len(lines)
    assert 1 <= place.end_column <= len(lines[place.end_line - 1]) + 1
    chosen = lines[place.line - 1 : place.end_line]
    chosen[-1] = chosen[-1][: place.end_column - 1]
    chosen[0] = chosen[0][place.column - 1 :]
    return "\n".join(chosen)


def node_at(data: bytes, path: str) -> yaml.Node | None:
    """What PyYAML, which shares no code with our positions, finds at `spec.utility[1].order`."""
    node = yaml.compose(data.decode("utf-8"), yaml.SafeLoader)
    for key, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if key and isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == key), None)
        elif number and isinstance(node, yaml.SequenceNode):
            node = node.value[int(number) - 1]
        else:
            return None
    return node


@pytest.mark.parametrize("path", MALFORMED, ids=lambda p: p.stem)
def test_a_problem_is_on_what_it_is_about(path: Path) -> None:
    data = path.read_bytes()
    with pytest.raises(DocumentError) as caught:
        load(path.name, data)
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    for problem in caught.value.problems:
        found = text_at(lines, problem)
        told = re.match(r"([a-zA-Z]+(?:[.\[][^: ]*)?): ", problem.message)
        quoted = re.match(r"(?:unknown key|key) '([^']*)'", problem.message)
        if quoted:
            assert found.strip("'\"") == quoted[1]
        elif told:
            node = node_at(data, told[1])
            if node is None:  # a key that is missing: the mapping that lacks it begins here
                node = node_at(data, told[1].rpartition(".")[0])
            assert node is not None
            mark = node.start_mark
            within = node.end_mark.line + 1
            assert problem.line in range(mark.line + 1, within + 1)
            on_key = "found key" in problem.message
            assert on_key or (problem.line, problem.column) == (mark.line + 1, mark.column + 1)
            # A block of text ends, for PyYAML, where the next key begins.
            if isinstance(node, yaml.ScalarNode) and node.value and node.style not in ("|", ">"):
                end = (node.end_mark.line + 1, node.end_mark.column + 1)
                assert (problem.end_line, problem.end_column) == end
        else:
            bare = problem.message.startswith(f"{found} ")  # a number, as it is written
            assert bare or any(words in problem.message for words in WHOLE), problem


QUERIES = [
    (rule, asking(query, columns, dataset), worlds.RELEASE, word)
    for rule, query, columns, dataset, word in QUERY_CASES
]


@pytest.mark.parametrize(("rule", "changes", "file", "word"), [*CASES, *QUERIES])
def test_a_finding_ends_where_its_word_ends(
    rule: str, changes: worlds.Changes, file: str, word: str
) -> None:
    found = [finding for finding in judge(changes) if finding.rule == rule]
    assert found
    loaded = [worlds.loaded(name, changes) for name in (worlds.DATASET, worlds.RELEASE)]
    for finding in with_ends(found, loaded):
        assert finding.end_line, finding
        text = text_at(worlds.text(finding.file, changes).split("\n"), finding)
        assert text.strip() == text
        assert text
        if finding.file == file:
            assert word.startswith(text) or text.startswith(word.rstrip("},] ")), (text, word)
