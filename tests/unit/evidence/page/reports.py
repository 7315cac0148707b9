"""Reports to draw: of the shape of the RAND data, large ones, and ones with given words in every place."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from dpgate.evidence.report import Bars, Curve, EvidenceReport, Heat, Interval, Made, Point, Shown

STAND_IN = "mock rows drawn from the dataset document, seed 7"


def number(value: float, places: int = 6) -> Decimal:
    return round(Decimal(repr(value)), places)


def interval(value: float, half: float = 0.0, label: str = "") -> Interval:
    return Interval(label=label, value=number(value), low=number(max(value - half, 0)),
                    high=number(value + half))  # fmt: skip


def shown(title: str, value: float | None, half: float = 0.0, **fields: Any) -> Shown:
    base: dict[str, Any] = {
        "metric": "some_metric", "title": title, "kind": "utility", "disclosure": "dp",
        "value": None if value is None else interval(value, half), "better": "low",
        "rho": Decimal("0.00125") if fields.get("disclosure", "dp") == "dp" else None,
    }  # fmt: skip
    if "limit" in fields:
        fields["limit"] = number(fields["limit"])
    return Shown(**{**base, **fields})


COLUMNS: tuple[tuple[str, str, str, Sequence[str], Sequence[float]], ...] = (
    ("mdvis", "Outpatient visits to a physician in the year", "integer",
     [f"{n}" for n in (0, 1, 2, 3, 4, 6, 8, 11, 15, 21, 30, 42, 60, 100)],
     [31, 19, 13, 9, 8, 7, 5, 3, 2, 1.2, .8, .4, .2, .1]),
    ("lncoins", "Coinsurance rate of the plan, ln(percent + 1)", "number",
     [f"{n / 10:.1f} to {(n + 5) / 10:.1f}" for n in range(0, 46, 5)],
     [54, 0, 0, 0, 0, 0, 12, 8, 0, 26]),
    ("idp", "Individual deductible plan", "boolean", ["false", "true"], [74, 26]),
    ("lpi", "Participation incentive paid in the year, ln(max(1, dollars))", "number",
     [f"{n / 2:.1f} to {(n + 1) / 2:.1f}" for n in range(16)],
     [35, 0, 0, 0, 1, 1, 1, 2, 3, 4, 8, 11, 15, 12, 6, 1]),
    ("fmde", "Maximum expenditure over coinsurance", "number",
     [f"{n / 2:.1f} to {(n + 1) / 2:.1f}" for n in range(17)],
     [48, 0, 0, 0, 0, 0, 0, 1, 1, 2, 4, 6, 9, 14, 10, 4, 1]),
    ("physlm", "Physical limitation", "category", ["no", "imputed", "yes"], [86, 4, 10]),
    ("disea", "Number of chronic diseases", "number",
     [f"{n * 2.5:g} to {(n + 1) * 2.5:g}" for n in range(24)],
     [9, 13, 16, 15, 12, 9, 7, 5, 4, 3, 2.4, 1.7, 1, .7, .5, .3, .2, .1, .05, 0, 0, 0, 0, .02]),
    ("hlthg", "Rates own health as good", "boolean", ["false", "true"], [64, 36]),
    ("hlthf", "Rates own health as fair", "boolean", ["false", "true"], [92, 8]),
    ("hlthp", "Rates own health as poor", "boolean", ["false", "true"], [98.5, 1.5]),
)  # fmt: skip


def shares(weights: Iterable[float], shift: float = 0.0) -> tuple[Decimal, ...]:
    held = [
        w * (1 + shift * math.sin(3 * place + 1)) + abs(shift) for place, w in enumerate(weights)
    ]
    return tuple(number(w / sum(held)) for w in held)


def bars(reference: bool = True) -> tuple[Bars, ...]:
    return tuple(
        Bars(column=name, title=title, type=kind, labels=tuple(labels), released=shares(w, 0.12),
             reference=shares(w) if reference else None)
        for name, title, kind, labels, w in COLUMNS
    )  # fmt: skip


def heat(names: Sequence[str], reference: bool = True) -> Heat:
    def rows(shift: float) -> tuple[tuple[Decimal, ...], ...]:
        def one(i: int, j: int) -> Decimal:
            near = 0.95 * math.exp(-abs(i - j) / 1.8) * (0.55 + 0.45 * math.cos(2.1 * (i + j)))
            return Decimal(1) if i == j else number(abs(near + shift * math.sin(i * j + 1)), 4)

        return tuple(tuple(one(i, j) for j in range(len(names))) for i in range(len(names)))

    return Heat(columns=tuple(names), released=rows(0.07), reference=rows(0) if reference else None)


def shades() -> Heat:
    """Every shade of both scales."""

    def rows(step: int) -> tuple[tuple[Decimal, ...], ...]:
        return tuple(
            tuple(number(((i * j * step) % 33 + (i + j) % 18 * 0.8) / 48, 3) for j in range(10))
            for i in range(10)
        )

    return Heat(columns=tuple("abcdefghij"), released=rows(7), reference=rows(3))


def curve() -> Curve:
    metrics: tuple[tuple[str, str, Any, float, float], ...] = (
        ("marginal_tvd", "marginal tvd of order 1", "low", 0.03, 0.02),
        ("marginal_tvd", "marginal tvd of order 2", "low", 0.08, 0.05),
        ("mean", "mean mdvis by hlthp", "low", 0.12, 0.1),
        ("prediction", "AUC of a model of hlthg", "high", 0.78, 0.72),
        ("membership", "advantage of membership inference", "low", 0.0, 0.03),
    )
    points = [
        Point(synthesizer=name, epsilon=Decimal(epsilon), metric=metric, title=title, better=better,
              value=number(value), low=number(max(value - spread, 0)), high=number(value + spread),
              runs=5, limit=number(limit), passed=(value + spread <= limit) == (better == "low"))
        for metric, title, better, floor, limit in metrics
        for place, name in enumerate(("mst", "aim", "independent"))
        for epsilon in ("0.1", "0.3", "1", "3", "10")
        for grow in [float(epsilon) ** -0.55 * (0.02 + 0.012 * place)]
        for value in [floor * (0.3 + 0.25 * place) + grow if better == "low" else floor - 1.2 * grow]
        for spread in [grow * 0.35]
    ]  # fmt: skip
    return Curve(stand_in=STAND_IN, points=tuple(points))


def made(**fields: Any) -> Made:
    base: dict[str, Any] = {
        "name": "rand-health/2026q4-vendor-testing", "kind": "release", "synthesizer": "aim",
        "title": "RAND Health Insurance Experiment, person-years", "rows": 20_000, "columns": 10,
        "epsilon": Decimal(1), "delta": Decimal("0.000000001"), "relation": "add-remove",
        "unit": "person-year", "person_epsilon": Decimal("4.74"), "person_delta": Decimal("0.000001"),
        "rows_per_person": 5, "evidence_share": Decimal("0.1"), "adversary": "recipient",
        "knows": ("lncoins", "idp", "fmde", "physlm"), "outcome": "released",
    }  # fmt: skip
    return Made(**{**base, **fields})


GROUPS = ("hlthp = true", "hlthf = true", "hlthg = true", "physlm = yes", "physlm = imputed")


def results() -> tuple[Shown, ...]:
    noise = "95 % of the measurement's noise, given the noisy total"
    parts = tuple(interval(0.02 + 0.03 * place, 0.015, name) for place, name in enumerate(GROUPS))
    attack = {
        "kind": "attack",
        "baseline": Decimal(0),
        "given": "95 %, over the holdout's coins and the noise",
    }
    public: dict[str, Any] = {"disclosure": "public", "kind": "output", "better": "high"}
    return (
        shown("marginal tvd of order 1", 0.0142, 0.004, limit=0.03, passed=True, given=noise),
        shown("marginal tvd of order 2", 0.0391, 0.006, limit=0.05, passed=True, given=noise),
        shown("worst marginal tvd of order 2", 0.161, 0.012, limit=0.2, passed=True, given=noise),
        shown("mean mdvis by hlthp", 0.084, 0.041, limit=0.1, passed=False, given=noise),
        shown("subgroup tvd of hlthp × physlm", 0.081, 0.02, limit=0.15, passed=True, given=noise, parts=parts),
        shown("Wasserstein distance of mdvis", 0.0101, 0.002, given=noise),
        shown("AUC of a model of hlthg", 0.741, 0.018, limit=0.7, passed=True, better="high", given=noise),
        shown("detectability", None, disclosure="restricted", limit=0.65),
        shown("advantage of membership inference", 0.008, 0.011, limit=0.05, passed=True, **attack),
        shown("advantage of membership inference by density", 0.012, 0.011, limit=0.05, passed=True, **attack),
        shown("advantage of inferring disea", 0.021, 0.016, limit=0.05, passed=True, **attack),
        shown("advantage of linkage", 0.0, 0.009, limit=0.05, passed=True, **attack),
        shown("advantage of singling out", 0.018, 0.014, **attack),
        shown("k-anonymity over lncoins, idp, fmde, physlm", 1, **public, details=("412 rows are alone with theirs",)),
        shown("l-diversity of disea", 3, **public),
        shown("unique rows", 0.0206, **{**public, "better": "neither"}),
        shown("rows of the described form", 1, disclosure="public", kind="schema", better="high", limit=1, passed=True),
    )  # fmt: skip


def rehearsal() -> EvidenceReport:
    return EvidenceReport(
        made=made(kind="rehearsal", stand_in=STAND_IN, outcome="thresholds not met"),
        results=results(), bars=bars(), heat=heat([c[0] for c in COLUMNS]), curve=curve(),
        notes=("Values beyond a bound are counted at the bound.",),
    )  # fmt: skip


def release(**fields: Any) -> EvidenceReport:
    return EvidenceReport(
        made=made(**fields), results=results(), bars=bars(reference=False),
        heat=heat([c[0] for c in COLUMNS], reference=False),
        notes=("Relations among more than two columns were not measured.",),
    )  # fmt: skip


def large(columns: int = 100, cells: int = 40, count: int = 60) -> EvidenceReport:
    names = [f"column_{place:03d}" for place in range(columns)]
    labels = tuple(f"{n * 100} to {n * 100 + 100}" for n in range(cells))
    weights = [1 + (n * 7 % 11) for n in range(cells)]
    every = tuple(
        Bars(column=name, title=f"Title of {name}", type="integer", labels=labels,
             released=shares(weights, 0.2), reference=shares(weights))
        for name in names
    )  # fmt: skip
    return EvidenceReport(
        made=made(columns=columns), results=results() + tuple(
            shown(f"mean of {name}", 0.05, 0.02, limit=0.1, passed=True) for name in names[: count - 17]
        ), bars=every, heat=heat(names), curve=curve(),
    )  # fmt: skip


def filled(words: str) -> EvidenceReport:
    """These words wherever words can stand."""
    body = rehearsal().model_dump(mode="json", by_alias=True)
    kept = {"schema", "kind", "disclosure", "better"}

    def fill(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: fill(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [fill(item, key) for item in value]
        return (
            words if isinstance(value, str) and key not in kept and not _decimal(value) else value
        )

    return EvidenceReport.model_validate_json(json.dumps(fill(body)))


def _decimal(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def beside(place: int, **fields: Any) -> EvidenceReport:
    """One of several rehearsals of the same data, each a little worse and at another ε."""
    report = rehearsal()
    worse = Decimal(place) / 50
    moved = tuple(
        result if result.value is None or result.better != "low" else result.model_copy(update={
            "value": result.value.model_copy(update={
                name: getattr(result.value, name) + worse for name in ("value", "low", "high")
            }),
            "passed": None if result.passed is None else result.value.high + worse <= (result.limit or 0),
        })
        for result in report.results
    )  # fmt: skip
    names = ("aim", "mst", "independent")
    kept = report.made.model_copy(update={
        "synthesizer": names[place % 3], "epsilon": Decimal(2) ** -place, **fields,
    })  # fmt: skip
    return report.model_copy(update={"results": moved, "made": kept})
