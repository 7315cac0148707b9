"""Examples of the catalogue as whole documents: their keys in place of those of `dpgate init`."""

from __future__ import annotations

import re


def merged(text: str, fragment: str) -> str:
    """A document with the keys of a fragment; `null` takes a key out.

    Keys of `columns` are replaced one by one where both sides write them as a block; all other
    keys of `spec`, and `metadata`, as a whole.
    """
    if fragment.startswith("metadata:"):
        return "\n".join(_put(text.split("\n"), fragment.split("\n"), ""))
    lines = [f"  {line}" for line in fragment.rstrip("\n").split("\n")] if fragment else []
    return "\n".join(_put(text.split("\n"), lines, "  "))


def _put(lines: list[str], fragment: list[str], indent: str) -> list[str]:
    for head, *inner in _blocks(fragment, indent):
        key = head.strip().partition(":")[0]
        start = next(
            (i for i, line in enumerate(lines) if line.startswith(f"{indent}{key}:")), None
        )
        if start is None:  # a new key comes last
            lines = [*"\n".join(lines).rstrip().split("\n"), head, *inner, ""]
            continue
        end = _end(lines, start, indent)
        if inner and lines[start].strip() == head.strip():
            block = _put(lines[start:end], inner, f"{indent}  ")
            lines = [*lines[:start], *[line for line in block if line], *lines[end:]]
        else:
            made = [] if head.endswith(": null") else [head, *inner]
            lines = [*lines[:start], *made, *lines[end:]]
    return lines


def _blocks(lines: list[str], indent: str) -> list[list[str]]:
    found: list[list[str]] = []
    for line in lines:
        if re.match(rf"{indent}\S", line):
            found.append([line])
        else:
            found[-1].append(line)
    return found


def _end(lines: list[str], start: int, indent: str) -> int:
    """The first line after a key's block."""
    for place in range(start + 1, len(lines)):
        if lines[place].strip() and not lines[place].startswith(f"{indent} "):
            return place
    return len(lines)
