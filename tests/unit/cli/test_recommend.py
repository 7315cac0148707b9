"""`dpgate recommend --quality`: a training, told with its numbers and ready to paste."""

from __future__ import annotations

import pytest

from tests.team import DATASET, POLICY, Team
from tests.unit.cli.conftest import Run


@pytest.mark.slow
def test_a_recommended_training(run: Run, fresh_team: Team) -> None:
    team = fresh_team
    team.edit(DATASET, "max_rows_per_person: 12", "max_rows_per_person: 1")
    allows = "synthesizers: [dp-tvae, mst], proofs: [opendp, real-arithmetic]}"
    team.edit(POLICY, "synthesizers: [mst, aim]}", allows)
    words = ("recommend", "clinic-visits", "--with", "dp-tvae", "--quality", "high", "--epsilon")
    ended = run(*words, "0.5", at=team.clone)
    assert ended.code == 0
    assert "clinic-visits   ✓ dp-tvae, high, at ε 0.5, δ=1e-8" in ended.out
    assert "sampling rate" in ended.out
    assert "passes over the data" in ended.out
    assert "aim beat both networks there, in error and AUC, at the same ε" in ended.out
    assert "mst beat both networks there, in error, at the same ε" in ended.out
    manifest = ended.out.partition("\nmanifest\n")[2].partition("\n\nnext: paste")[0]
    body = run(*words, "0.5", "--format", "json").json
    assert body["schema"] == "dpgate.recommend-training/v1"
    assert body["manifest"].rstrip() == manifest
    made = body["training"]
    assert f"      batch: {made['batch']}   # rows" in manifest
    denied = run(*words, "3")
    assert denied.code == 1
    assert "what fits: ε 1" in denied.out
    team.edit(DATASET, "max_rows_per_person: 1", "max_rows_per_person: 1, protect: person")
    few = (team.clone / DATASET).read_text().replace("at_most: 500000", "at_most: 900")
    (team.clone / DATASET).write_text(few)
    little = run(*words, "0.5")
    assert "made smaller so that noise leaves something to learn: width" in little.out
    (team.clone / DATASET).write_text(
        few.replace("max_rows_per_person: 1,", "max_rows_per_person: 9,")
    )
    never = run(*words, "0.5")
    assert never.code == 1
    assert "it cannot be trained" in never.out
    assert "[planning]" in never.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--quality", "high", "--with", "mst"), "mst trains nothing"),
        (("--quality", "high", "--target-tvd", "0.1"), "--target-tvd is a goal for tables"),
        (("--quality", "high", "--noise-at-most", "0.1"), "--noise-at-most is a goal"),
        (("--quality", "high", "--order", "1"), "--order is a goal for tables"),
        (("--quality", "best"), "'best' is not one of"),
        (("--epsilon", "3"), "--epsilon is for --quality"),
    ],
)
def test_wishes_of_a_training_that_do_not_go_together(
    run: Run, team: Team, words: tuple[str, ...], says: str
) -> None:
    ended = run("recommend", "clinic-visits", *words, at=team.clone)
    assert ended.code == 2
    assert says in ended.err
