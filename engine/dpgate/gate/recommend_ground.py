"""What a recommendation rests on: documents, the ledger's sums, and what they say of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

from dpgate.errors import UndecidedError, UsageError
from dpgate.gate import budgets, check
from dpgate.gate.costing import Cost, spend_at, zero_concentrated
from dpgate.gate.results import ScopeRow
from dpgate.gate.standing import open_standing
from dpgate.gate.weigh import shortfalls
from dpgate.gate.workspace import Case, Workspace, now, policy_of, workspace
from dpgate.loading.documents import Loaded, load
from dpgate.model.columns import DomainColumn
from dpgate.model.dataset import Dataset
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy.facts import clock, facts_of
from dpgate.policy.limits import class_epsilon, too_high
from dpgate.policy.scopes import Tally


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the repository says of a dataset.

    Attributes:
        space: its documents.
        policy_file: the policy in force, or that of the work tree where no ledger is known.
        dataset: the one to recommend for.
        name: of its folder.
        past: what was spent.
        budget_note: where that is known from.
    """

    space: Workspace
    policy_file: Loaded
    dataset: Dataset
    name: str
    past: budgets.Spent
    budget_note: str

    @classmethod
    def of(cls, repo: Path, dataset: str) -> Ground:
        """Of a dataset by its name or the path of its document.

        Raises:
            UsageError: there is no such dataset.
            LedgerError: this clone's ledger does not hold together.
        """
        space = workspace(repo)
        name = dataset.strip("/").removeprefix("releases/").removesuffix("/dataset.yaml")
        loaded = space.documents.datasets.get(name)
        if loaded is None or not isinstance(loaded.document, Dataset):
            known = ", ".join(space.documents.datasets) or "none"
            raise UsageError(f"no dataset releases/{name}/dataset.yaml", fix=f"known: {known}")
        policy_file, past = (
            space.policy_file,
            Tally(policy_of(space.policy_file).spec.accounting.orders),
        )
        note = "by the ledger as this clone last fetched it"
        try:
            standing = open_standing(space, offline=True)
        except (UndecidedError, UsageError) as error:
            note = f"no ledger is known here ({error.message}), so nothing counts as spent"
            return cls(
                space=space, policy_file=policy_file, dataset=loaded.document, name=name,
                past=past, budget_note=note,
            )  # fmt: skip
        return cls(
            space=space, policy_file=standing.policy_file, dataset=loaded.document, name=name,
            past=standing.past, budget_note=note,
        )  # fmt: skip

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy to judge by."""
        return policy_of(self.policy_file)

    def columns(self, asked: Sequence[str]) -> tuple[str, ...]:
        """The columns to release: those asked for, else all that have a domain.

        Raises:
            UsageError: one cannot be released, there are fewer than two, or the dataset has two tables.
        """
        dataset = self.dataset
        if dataset.spec.joined is not None:
            raise UsageError(
                f"{dataset.metadata.name} has two tables, and a recommendation is about one",
                fix="write a manifest as docs/tables.md shows, and let dpgate plan tell its noise",
            )
        known = [
            name
            for name, column in dataset.spec.columns.items()
            if isinstance(column, DomainColumn)
        ]
        odd = [name for name in asked if name not in known]
        if odd:
            raise UsageError(
                f"{odd[0]} is no column of {dataset.metadata.name} that can be released",
                fix="columns: " + ", ".join(known),
            )
        names = tuple(dict.fromkeys(asked)) or tuple(known)
        if len(names) < 2:
            raise UsageError(
                "a release has at least two columns", fix="columns: " + ", ".join(known)
            )
        return names

    def rows(self, asked: int | None) -> int:
        """How many rows to assume; the public bound if nobody says.

        Raises:
            UsageError: more than the bound, or none.
        """
        bound = self.dataset.spec.rows.at_most
        if asked is not None and not 1 <= asked <= bound:
            raise UsageError(f"rows is a number from 1 to {bound}, the public bound, not {asked}")
        return asked or bound

    def case(self, text: str) -> Case:
        """A manifest, read like any other."""
        place = f"releases/{self.name}/recommended/release.yaml"
        dataset_file = self.space.documents.datasets[self.name]
        return Case(f"{self.name}/recommended", dataset_file, load(place, text.encode()))

    def judged(self, case: Case) -> tuple[Finding, ...]:
        """What rules and limits say of a manifest, whatever it costs."""
        today = clock(self.policy, now()).day
        return check.judge(case, self.policy, today) + too_high(self.policy_file, case.dataset_file)

    def findings(self, case: Case | None, cost: Cost | None) -> tuple[Finding, ...]:
        """What rules, limits and thresholds say of a planned manifest."""
        if case is None or cost is None:
            return ()
        return self.judged(case) + shortfalls(case, cost)

    def scopes(self, case: Case | None, cost: Cost | None) -> tuple[ScopeRow, ...]:
        """Budgets before and after a planned manifest."""
        if case is None or cost is None:
            return ()
        facts = facts_of(case.dataset, case.release)
        if any(name not in self.policy.spec.populations for name in facts.populations):
            return ()
        hour = clock(self.policy, now()).hour
        limits = case.dataset.spec.limits
        return budgets.rows(self.policy, facts, hour, limits, self.past, cost.spend)

    def fitting(self, case: Case) -> Decimal:
        """The highest ε, up to the manifest's, that the classes of the columns and every budget leave."""
        columns, limits = case.dataset.spec.columns, case.dataset.spec.limits
        classes = {columns[name].sensitivity for name in case.release.spec.columns}
        most = [
            class_epsilon(self.policy, case.dataset, name).value
            for name in sorted(classes & set(self.policy.spec.classes))
        ]
        facts, privacy = facts_of(case.dataset, case.release), case.release.spec.privacy
        if any(name not in self.policy.spec.populations for name in facts.populations):
            return Decimal(0)
        asked = privacy.model_copy(update={"epsilon": min((privacy.epsilon, *most))})
        hour = clock(self.policy, now()).hour
        spend = partial(spend_at, self.policy, case)
        return budgets.fitting_epsilon(
            self.policy, facts, hour, limits, self.past, spend, asked,
            zero_concentrated=zero_concentrated(case),
        )  # fmt: skip
