"""Sessions: debit first, never more than reserved, never something else."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from dpgate.accounting.calibrate import foreign_event, gaussian_event, noisy_max_event
from dpgate.accounting.curves import loss
from dpgate.errors import AccountingError, InsufficientBudgetError
from dpgate.mechanisms import measurement
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.event import Event
from tests.suites.ledgers import event as made

COUNTS = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.int64)


def noise(times: int = 2, rho: str = "0.5") -> Event:
    return gaussian_event(
        name="test.noise",
        rho=Decimal(rho),
        times=times,
        sensitivity_squared=1,
        relation="add-remove",
    )


def choice(times: int = 2) -> Event:
    return noisy_max_event(
        name="test.choice",
        rho=Decimal("0.5"),
        times=times,
        sensitivity_squared=256,
        relation="add-remove",
    )


def test_noise_keeps_the_shape_and_is_whole() -> None:
    noisy = Mechanisms([noise()], "add-remove").gaussian("test.noise", COUNTS)
    assert noisy.shape == COUNTS.shape
    assert noisy.dtype == np.int64


def test_a_clear_winner_is_selected() -> None:
    session = Mechanisms([choice(1)], "add-remove")
    assert session.select("test.choice", np.array([0, 10**6, 5], dtype=np.int64)) == 1


def test_large_numbers_do_not_wrap() -> None:
    session = Mechanisms([noise()], "add-remove")
    noisy = session.gaussian("test.noise", np.array([2**60], dtype=np.int64))
    assert abs(int(noisy[0]) - 2**60) < 1000


def test_an_event_runs_as_often_as_it_says() -> None:
    session = Mechanisms([noise(times=2)], "add-remove")
    for _ in range(2):
        session.gaussian("test.noise", COUNTS)
    with pytest.raises(InsufficientBudgetError) as caught:
        session.gaussian("test.noise", COUNTS)
    assert (caught.value.remaining, caught.value.requested) == (0, 1)


def test_parts_of_a_session_spend_what_is_their_own() -> None:
    """Two tables, one synthesizer: each finds its events by the names that it knows."""
    both = [noise(times=1).model_copy(update={"name": f"{t}.test.noise"}) for t in ("a", "b")]
    session = Mechanisms(both, "add-remove")
    session.part("a.").gaussian("test.noise", COUNTS)
    with pytest.raises(InsufficientBudgetError, match=r"a\.test\.noise"):
        session.part("a.").gaussian("test.noise", COUNTS)
    assert [event.name for event in session.spent] == ["a.test.noise"]
    session.part("b.").part("test.").gaussian("noise", COUNTS)
    with pytest.raises(InsufficientBudgetError):
        session.gaussian("b.test.noise", COUNTS)
    with pytest.raises(InsufficientBudgetError):
        session.part("c.").gaussian("test.noise", COUNTS)


def test_what_is_not_reserved_does_not_run() -> None:
    session = Mechanisms([noise()], "add-remove")
    with pytest.raises(InsufficientBudgetError):
        session.gaussian("test.other", COUNTS)
    with pytest.raises(AccountingError, match="reserved for gaussian, not noisy-max"):
        session.select("test.noise", np.array([1], dtype=np.int64))
    assert session.spent == ()


def test_a_run_that_crashes_is_charged() -> None:
    session = Mechanisms([noise(times=1)], "add-remove")
    with pytest.raises(Exception, match=r".+"):
        session.gaussian("test.noise", np.array(["text"]))
    assert session.spent == (noise(times=1),)
    with pytest.raises(InsufficientBudgetError):
        session.gaussian("test.noise", COUNTS)


def test_spent_counts_what_was_used() -> None:
    session = Mechanisms([noise(times=3), choice(times=2)], "add-remove")
    assert not session.spent
    session.gaussian("test.noise", COUNTS)
    (part,) = session.spent
    assert part.times == 1
    assert part.loss == loss(part)
    assert Decimal("0.33") * noise(times=3).loss < part.loss < Decimal("0.34") * noise(times=3).loss
    for _ in range(2):
        session.gaussian("test.noise", COUNTS)
    assert session.spent == (noise(times=3),)


def test_relations_do_not_mix() -> None:
    with pytest.raises(AccountingError, match="accounted under add-remove, not under replace-one"):
        Mechanisms([noise()], "replace-one")


def test_names_are_told_apart() -> None:
    with pytest.raises(AccountingError, match="share a name"):
        Mechanisms([noise(), noise()], "add-remove")


def test_a_loss_below_opendps_is_refused() -> None:
    with pytest.raises(AccountingError, match="OpenDP charges"):
        Mechanisms([made("gaussian", scale="10", loss=Decimal("0.00499"))], "add-remove")
    with pytest.raises(AccountingError, match="OpenDP charges"):
        Mechanisms([made("noisy-max", scale="10", times=3, loss=Decimal("0.01"))], "add-remove")


@pytest.mark.parametrize("mechanism", ["gaussian", "noisy-max"])
@pytest.mark.parametrize("squared", ["1", "4", "256", "1024"])
@pytest.mark.parametrize("scale", ["0.731", "17.3", "123456.789", "3e7"])
def test_recorded_losses_are_not_below_opendps(mechanism: str, squared: str, scale: str) -> None:
    event = made(mechanism, scale=scale, sensitivity_squared=squared, times=13)  # type: ignore[arg-type]
    ours = measurement.measurement(event).loss
    assert ours * 13 <= event.loss
    assert float(ours * 13) == pytest.approx(float(event.loss), rel=1e-9)


def test_an_irrational_distance_is_rounded_up() -> None:
    event = made("gaussian", scale="10", sensitivity_squared="2")
    assert float(measurement.measurement(event).loss) == pytest.approx(0.01)
    assert measurement.root_up(Decimal(2)) ** 2 >= 2


def test_scores_have_whole_distances() -> None:
    with pytest.raises(AccountingError, match="must be whole"):
        Mechanisms([made("noisy-max", scale="10", sensitivity_squared="2")], "add-remove")


def test_a_mechanism_that_runs_elsewhere_has_no_measurement() -> None:
    event = made("sampled-gaussian", scale="10", rate="0.1")
    Mechanisms([event], "add-remove")
    with pytest.raises(AccountingError, match="no mechanism runs sampled-gaussian"):
        measurement.measurement(event)


def test_a_recorder_keeps_inputs_and_outputs() -> None:
    tape = UnsafeRecorder()
    session = Mechanisms([noise(), choice()], "add-remove", tape=tape)
    noisy = session.gaussian("test.noise", COUNTS)
    index = session.select("test.choice", COUNTS[0])
    assert [call.event for call in tape.calls] == [noise(), choice()]
    np.testing.assert_array_equal(tape.calls[0].inputs, COUNTS)
    np.testing.assert_array_equal(tape.calls[0].output, noisy)
    assert tape.calls[1].output == index


def test_a_player_answers_in_order_and_still_debits() -> None:
    tape = UnsafePlayer(outputs=[COUNTS + 5, 2])
    session = Mechanisms([noise(times=1), choice()], "add-remove", tape=tape)
    np.testing.assert_array_equal(session.gaussian("test.noise", COUNTS), COUNTS + 5)
    with pytest.raises(InsufficientBudgetError):
        session.gaussian("test.noise", COUNTS)
    assert session.select("test.choice", COUNTS[0]) == 2
    with pytest.raises(AccountingError, match="ends after 2 calls"):
        session.select("test.choice", COUNTS[0])
    assert len(tape.calls) == 2


def test_another_program_is_paid_for_once() -> None:
    event = foreign_event(
        name="test.run", rho=Decimal("0.5"), factor=Decimal(3), relation="replace-one"
    )
    session = Mechanisms([event], "replace-one")
    assert not session.spent
    session.foreign("test.run")
    assert list(session.spent) == [event]
    with pytest.raises(InsufficientBudgetError, match=r"test\.run"):
        session.foreign("test.run")
    with pytest.raises(AccountingError, match="reserved for foreign, not gaussian"):
        session.gaussian("test.run", COUNTS)
