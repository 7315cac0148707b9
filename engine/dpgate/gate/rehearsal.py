"""What `rehearse` returns: how releases would go on a stand-in, by synthesizer and ε."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from dpgate.model.finding import Finding
from dpgate.model.values import Frozen, Recorded

WARNING = (
    "stand-in: numbers are exact and unprotected; never point this at private data: it spends no budget "
    "and protects nobody"
)


class StandIn(Frozen):
    """The rows that stood in for the private data."""

    kind: Literal["mock", "public"]
    """`mock`: invented from the dataset's document. `public`: somebody vouched that these rows are."""
    words: str
    rows: StrictInt
    """Of persons, where there are two tables."""


class RehearsedMetric(Frozen):
    """One measure at one place of the sweep, over runs."""

    metric: str
    title: str
    better: Literal["low", "high", "neither"]
    value: Recorded
    """Mean over runs, without noise."""
    low: Recorded
    """Lowest run."""
    high: Recorded
    """Highest run."""
    judged: Recorded | None
    """What the gate would have judged, in the worst run: the bad end of a noisy interval. Null
    where the manifest pays for no evidence."""
    limit: Recorded | None
    """The manifest's threshold."""
    met: StrictInt
    """Runs whose noisy value met the threshold; all of them where there is none."""


class RehearsedFurther(Frozen):
    """An attack that runs the synthesizer anew: advantage, with its interval of chance."""

    title: str
    value: Recorded
    low: Recorded
    high: Recorded


class RehearsedPoint(Frozen):
    """One synthesizer at one ε."""

    synthesizer: str
    epsilon: Recorded
    own: bool
    """Whether the manifest says so."""
    runs: StrictInt
    """Runs that were made."""
    passed: StrictInt
    """Runs that the gate would have let out."""
    thresholds: StrictInt
    """What the gate judges: thresholds of the manifest, and requirements of the policy."""
    met: StrictInt
    """How many of those every run met."""
    missed: tuple[str, ...]
    """What the gate would have said of the others, in the first run that missed each."""
    metrics: tuple[RehearsedMetric, ...]
    seconds: Recorded | None
    """Time of a run, mean; null where none was made."""
    failure: str
    """Why a run could not be made; empty where all were."""

    @property
    def good(self) -> bool:
        """Whether every run passed."""
        return bool(self.runs) and not self.failure and self.passed == self.runs


class Suggestion(Frozen):
    """What to write for one synthesizer."""

    synthesizer: str
    allowed: bool
    """Whether the policy allows it for the class of every column."""
    epsilon: Recorded | None
    """The smallest one of the sweep whose runs all passed; null: none did."""
    write: str
    """The keys of the manifest that say so."""


class RehearsalResult(Frozen):
    """A release, rehearsed at no cost."""

    schema_: Annotated[Literal["dpgate.rehearsal/v1"], Field(alias="schema")] = (
        "dpgate.rehearsal/v1"
    )
    release: str
    warning: str
    """Says that numbers are exact and unprotected."""
    stand_in: StandIn
    rows: StrictInt
    """Rows that each run draws, as the manifest says."""
    delta: Recorded
    evidence_share: Recorded
    runs: StrictInt
    """Runs of each place that were asked for."""
    points: tuple[RehearsedPoint, ...]
    suggestions: tuple[Suggestion, ...]
    further: tuple[RehearsedFurther, ...] = ()
    """Shadow models and canaries, of the manifest as it stands, if they were asked for."""
    findings: tuple[Finding, ...]
    """What the rules of the policy say of the manifest; none of it stops a rehearsal."""
    notes: tuple[str, ...]
    folder: str
    files: tuple[str, ...]
    """Files of that folder; none where the manifest's own place of the sweep made no run."""
    next: str

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 if the manifest as it stands would have passed every run."""
        return 0 if any(point.own and point.good for point in self.points) else 1
