"""Dependence of pairs as triangles of cells: released, stand-in, and what lies between them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from dpgate.evidence.report import EvidenceReport, Heat

LEVELS = tuple(map(Decimal, ("0.05", "0.1", "0.2", "0.3", "0.5", "0.7")))
"""Where the shades of a dependence change."""
GAPS = tuple(map(Decimal, ("-0.1", "-0.05", "-0.02", "0.02", "0.05", "0.1")))
"""Where the shades of a difference change."""
_NUMBERED = 14
"""Columns up to which every cell has its number."""
_PAIRS = 15


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One pair, of maps small enough for numbers."""

    x: int
    y: int
    level: int
    text: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Map:
    """One triangle."""

    title: str
    scale: str
    """`v` of dependences, `d` of differences: which colours."""
    cells: tuple[Cell, ...]
    """Empty where there are too many; then `paths` draws them."""
    paths: tuple[tuple[int, str], ...]
    """Level and path."""
    words: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two columns and their numbers."""

    one: str
    other: str
    released: str
    reference: str
    gap: str


@dataclass(frozen=True, kw_only=True)
class Maps:
    """All triangles of one report."""

    columns: tuple[str, ...]
    size: int
    """Of a cell."""
    maps: tuple[Map, ...]
    pairs: tuple[Pair, ...]
    """Those that differ most, or depend most."""
    of: int
    """Number of all pairs."""


def maps(report: EvidenceReport) -> Maps | None:
    """The triangles; None where there is no pair."""
    heat = report.heat
    if heat is None or len(heat.columns) < 2:
        return None
    made = [_map(heat, "Released rows", "v", lambda i, j: heat.released[i][j])]
    reference = heat.reference
    if reference is not None:
        made.append(_map(heat, "Stand-in", "v", lambda i, j: reference[i][j]))
        made.append(
            _map(heat, "Difference", "d", lambda i, j: heat.released[i][j] - reference[i][j])
        )
    count = len(heat.columns)
    return Maps(
        columns=heat.columns,
        size=30 if count <= _NUMBERED else max(8, 330 // count),
        maps=tuple(made),
        pairs=_pairs(heat),
        of=count * (count - 1) // 2,
    )


def _map(heat: Heat, title: str, scale: str, value: Callable[[int, int], Decimal]) -> Map:
    columns = heat.columns
    edges = LEVELS if scale == "v" else GAPS
    places = [(i, j) for j, i in combinations(range(len(columns)), 2)]
    level = {place: bisect_right(edges, value(*place)) for place in places}
    what = "above or below the stand-in by at most" if scale == "d" else "at most"
    most = max((abs(value(*place)) for place in places), default=Decimal(0))
    words = f"{len(places)} pairs, {what} {_short(most)}"
    if len(columns) > _NUMBERED:
        return Map(title=title, scale=scale, cells=(), paths=_paths(level), words=words)
    cells = tuple(
        Cell(
            x=j,
            y=i,
            level=level[i, j],
            text=_short(value(i, j), signed=scale == "d"),
            words=f"{columns[i]} and {columns[j]}",
        )
        for i, j in sorted(places)
    )
    return Map(title=title, scale=scale, cells=cells, paths=(), words=words)


def _paths(level: dict[tuple[int, int], int]) -> tuple[tuple[int, str], ...]:
    """One path for each shade, runs of cells in one piece."""
    runs: dict[int, list[str]] = defaultdict(list)
    start = 0
    for i, j in sorted(level):
        shade = level[i, j]
        if level.get((i, j + 1)) == shade:
            continue
        start = j
        while level.get((i, start - 1)) == shade:
            start -= 1
        runs[shade].append(f"M{start} {i}h{j - start + 1}v1h-{j - start + 1}z")
    return tuple((shade, "".join(runs[shade])) for shade in sorted(runs))


def _pairs(heat: Heat) -> tuple[Pair, ...]:
    def gap(i: int, j: int) -> Decimal:
        return heat.released[i][j] - heat.reference[i][j] if heat.reference else Decimal(0)

    places = list(combinations(range(len(heat.columns)), 2))
    places.sort(key=lambda p: (-abs(gap(*p)), -heat.released[p[0]][p[1]]))
    return tuple(
        Pair(
            one=heat.columns[i],
            other=heat.columns[j],
            released=_short(heat.released[i][j]),
            reference=_short(heat.reference[i][j]) if heat.reference else "",
            gap=_short(gap(i, j), signed=True) if heat.reference else "",
        )
        for i, j in places[:_PAIRS]
    )


def _short(value: Decimal, *, signed: bool = False) -> str:
    """Two places without the leading zero, so that it fits a cell."""
    near = round(value, 2)
    text = f"{abs(near):.2f}".removeprefix("0")
    if not near:
        return "0"
    return ("−" if near < 0 else "+") + text if signed else text
