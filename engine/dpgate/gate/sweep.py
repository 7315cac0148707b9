"""A sweep over synthesizers and ε: what each place comes to over its runs, and what follows from all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from dpgate.accounting.rounding import down, up
from dpgate.errors import DpgateError
from dpgate.evidence.disclosure import DpResult, PublicResult
from dpgate.evidence.measures.interface import Figures
from dpgate.evidence.measures.run import PLACES
from dpgate.evidence.report import Curve, Interval, Point
from dpgate.evidence.shown import judged, passes, title_of
from dpgate.evidence.thresholds import key_of
from dpgate.gate.product import Progress
from dpgate.gate.rehearsal import RehearsedMetric, RehearsedPoint, Suggestion
from dpgate.gate.rehearsing import Rehearsed, rehearsed, varied
from dpgate.gate.workspace import Case
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import ReleaseSpec
from dpgate.model.values import Key, plain

_TRAINED = 0.95
"""Part of a run, about, that is over when its training is: rows are drawn and measured then."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is swept.

    Attributes:
        case: the manifest as it stands.
        policy: of the work tree.
        source: where the stand-in's rows are.
        folder: for files that do not stay.
        synthesizers: the manifest's own first.
        epsilons: the manifest's own among them, ascending.
        runs: of each place, ≥ 1.
        progress: told about each place, its runs, and the steps of their trainings.
        seen: shown the first run of the manifest's own place.
    """

    case: Case
    policy: PrivacyPolicy
    source: str
    folder: Path
    synthesizers: tuple[str, ...]
    epsilons: tuple[Decimal, ...]
    runs: int
    progress: Progress
    seen: Callable[[Rehearsed], None]

    def points(self) -> Iterator[RehearsedPoint]:
        """Every place in turn. A run that cannot be made says why, and stops nothing."""
        for synthesizer in self.synthesizers:
            for epsilon in self.epsilons:
                yield self._point(synthesizer, epsilon)

    def _point(self, synthesizer: str, epsilon: Decimal) -> RehearsedPoint:
        spec = self.case.release.spec
        assert spec.synthesize is not None  # noqa: S101 - it makes rows
        own = (synthesizer, epsilon) == (spec.synthesize.with_, spec.privacy.epsilon)
        title, tally = f"{synthesizer} at ε {plain(epsilon)}", Tally(spec)
        failure = ""
        for number in range(self.runs):
            self.progress(title, number / self.runs)
            try:
                found = self._run(synthesizer, epsilon, self._inside(title, number))
            except _Stopped as stopped:
                raise stopped.by from None
            except DpgateError as error:
                failure = error.message
                break
            except Exception as error:  # noqa: BLE001 - a fault of one place stops no other
                failure = f"it failed inside ({type(error).__name__})"
                break
            if own and not number:
                self.seen(found)
            tally.add(found)
        return tally.point(synthesizer, epsilon, own=own, failure=failure)

    def _run(self, synthesizer: str, epsilon: Decimal, progress: Progress) -> Rehearsed:
        case = varied(self.case, synthesizer, epsilon)
        return rehearsed(case, self.policy, self.source, self.folder, progress)

    def _inside(self, title: str, number: int) -> Progress:
        """What happens inside a run: the steps of a training; all else is short beside them."""

        def tell(stage: str, fraction: float) -> None:
            if not stage.startswith("train · "):
                return
            try:
                self.progress(title, (number + _TRAINED * fraction) / self.runs)
            except Exception as error:
                raise _Stopped(error) from error

        return tell


class _Stopped(BaseException):
    """Whoever is told the progress raised an error, which is no fault of a place: it ends the sweep."""

    def __init__(self, by: Exception) -> None:
        super().__init__(by)
        self.by = by


class Tally:
    """Runs of one place, added up; their rows are let go."""

    def __init__(self, spec: ReleaseSpec) -> None:
        self._spec = spec
        self._exact: dict[Key, list[Figures]] = {}
        self._noisy: dict[Key, list[Interval]] = {}
        self._met: list[list[bool]] = []
        self._missed: dict[int, str] = {}
        self._seconds: list[float] = []
        self._passed = 0

    def add(self, run: Rehearsed) -> None:
        """One more run."""
        for key, figures in run.exact.items():
            self._exact.setdefault(key, []).append(figures)
        for result in run.results:
            if isinstance(result, DpResult | PublicResult):
                self._noisy.setdefault(key_of(result), []).append(_interval(result))
        self._met.append([outcome.passed for outcome in run.outcomes])
        for place, outcome in enumerate(run.outcomes):
            if not outcome:
                self._missed.setdefault(place, outcome.message)
        self._seconds.append(run.seconds)
        self._passed += run.passed

    def point(
        self, synthesizer: str, epsilon: Decimal, *, own: bool, failure: str
    ) -> RehearsedPoint:
        """What the runs come to."""
        runs = len(self._seconds)
        every = [all(verdicts) for verdicts in zip(*self._met, strict=True)]
        return RehearsedPoint(
            synthesizer=synthesizer,
            epsilon=epsilon,
            own=own,
            runs=runs,
            passed=self._passed,
            thresholds=len(every),
            met=sum(every),
            missed=tuple(self._missed[place] for place in sorted(self._missed)),
            metrics=tuple(self._metric(key, found) for key, found in self._exact.items()),
            seconds=up(Fraction(sum(self._seconds)) / runs, 1) if runs else None,
            failure=failure,
        )

    def _metric(self, key: Key, found: Sequence[Figures]) -> RehearsedMetric:
        limit, better = judged(key, self._spec)
        values = [figures.main.value for figures in found]
        noisy = self._noisy.get(key, [])
        ends = [each.low if better == "high" else each.high for each in noisy]
        worst = (min(ends) if better == "high" else max(ends)) if ends else None
        if noisy:
            verdicts = [passes(each, limit, better) for each in noisy]
        else:  # judged without noise, or not at all
            verdicts = [
                limit is not None and (each >= limit if better == "high" else each <= limit)
                for each in values
            ]
        return RehearsedMetric(
            metric=key.metric,
            title=title_of(key),
            better=better,
            value=up(sum(values, Fraction(0)) / len(values), PLACES),
            low=down(min(values), PLACES),
            high=up(max(values), PLACES),
            judged=worst,
            limit=limit,
            met=len(found) if limit is None else sum(verdict is True for verdict in verdicts),
        )


def _interval(result: DpResult | PublicResult) -> Interval:
    if isinstance(result, DpResult):
        return Interval(value=result.value, low=result.low, high=result.high)
    return Interval(value=result.value, low=result.value, high=result.value)


def curve(points: Sequence[RehearsedPoint], stand_in: str) -> Curve:
    """The privacy-utility curve of a sweep."""
    return Curve(
        stand_in=stand_in,
        points=tuple(
            Point(
                synthesizer=point.synthesizer,
                epsilon=point.epsilon,
                metric=metric.metric,
                title=metric.title,
                better="high" if metric.better == "high" else "low",
                value=metric.value,
                low=metric.low,
                high=metric.high,
                runs=point.runs,
                passed=None if metric.limit is None else metric.met == point.runs,
            )
            for point in points
            for metric in point.metrics
        ),
    )


def suggestions(points: Sequence[RehearsedPoint], allowed: Sequence[str]) -> tuple[Suggestion, ...]:
    """For each synthesizer the smallest ε whose runs all passed."""
    found = []
    for name in dict.fromkeys(point.synthesizer for point in points):
        good = [point.epsilon for point in points if point.synthesizer == name and point.good]
        least = min(good, default=None)
        write = "" if least is None else (
            f"synthesize: {{with: {name}}}, privacy: {{epsilon: {plain(least)}}}"
        )  # fmt: skip
        found.append(
            Suggestion(synthesizer=name, allowed=name in allowed, epsilon=least, write=write)
        )
    return tuple(found)
