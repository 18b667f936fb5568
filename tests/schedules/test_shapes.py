"""Schedules pass through the points their equations name, also at and beyond their ends."""

import math

import pytest

from gradiente import schedules


def test_step_falls_at_multiples():
    schedule = schedules.step(1.0, every=3, factor=0.5)
    assert [schedule(t) for t in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_exponential_stops_at_its_minimum():
    schedule = schedules.exponential(1.0, factor=0.1, every=2, minimum=0.05)
    assert [schedule(t) for t in (0, 2, 4)] == pytest.approx([1, 0.1, 0.05])


def test_linear_holds_its_end():
    schedule = schedules.linear(1.0, steps=4, final=0.5)
    assert [schedule(t) for t in (0, 2, 4, 5, 1000)] == [1, 0.75, 0.5, 0.5, 0.5]


def test_cosine_with_warm_up():
    schedule = schedules.cosine(1.0, steps=12, warmup_steps=4, final=0.2)
    assert [schedule(t) for t in (0, 2, 4, 8, 12, 13, 10**6)] == pytest.approx(
        [0, 0.5, 1.0, 0.6, 0.2, 0.2, 0.2]
    )


def test_one_cycle():
    schedule = schedules.one_cycle(1.0, steps=11, warmup_fraction=6 / 11)
    assert schedule(0) == pytest.approx(1 / 25)
    assert schedule(5) == pytest.approx(1.0)
    assert schedule(10) == schedule(1000) == pytest.approx(1 / 25e4)


def test_one_cycle_with_divisors_below_one():
    schedule = schedules.one_cycle(1.0, 11, 6 / 11, start_divisor=0.5, final_divisor=0.5)
    assert [schedule(t) for t in (0, 5, 10)] == pytest.approx([2.0, 1.0, 4.0])


def test_one_cycle_of_three_phases_may_have_its_peak_in_the_middle():
    schedule = schedules.one_cycle(1.0, 12, 0.5, three_phases=True)
    assert [schedule(t) for t in (0, 5, 10)] == pytest.approx([1 / 25, 1.0, 1 / 25])
    assert schedule(11) == pytest.approx(1 / 25e4)


def test_a_single_step():
    assert schedules.linear(1.0, steps=1, final=0.5)(1) == 0.5
    assert schedules.cosine(1.0, steps=1, final=0.5)(1) == 0.5


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2])
def test_one_cycle_of_hardly_any_steps_is_finite(steps, fraction):
    schedule = schedules.one_cycle(1.0, steps, fraction)
    assert all(math.isfinite(schedule(t)) and schedule(t) >= 0 for t in range(4))


def test_warmup_lets_the_other_schedule_begin_at_its_own_zero():
    schedule = schedules.warmup(schedules.step(1.0, every=2, factor=0.5), steps=4, start=0.2)
    assert [schedule(t) for t in range(8)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 0.5, 0.5])


def observed(schedule, values):
    state, scales = schedule.init(), []
    for value in values:
        state = schedule.observe(state, value)
        scales.append(state["scale"])
    return scales


def test_plateau_waits_for_its_patience():
    schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=2)
    assert observed(schedule, [1, 1, 1, 1, 1, 1, 1]) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    assert observed(schedule, [1, 1, 1, 0.9, 0.9, 0.9, 0.8]) == [1.0] * 7


def test_plateau_does_not_count_while_cooling():
    schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=0, cooldown=2)
    assert observed(schedule, [1] * 8) == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_plateau_stops_at_its_minimum():
    schedule = schedules.reduce_on_plateau(2.0, factor=0.1, patience=0, minimum=0.5)
    assert observed(schedule, [1, 1, 1]) == [1, 0.25, 0.25]
    assert schedule(17) == 2.0


def test_plateau_of_a_negative_loss_or_a_score():
    falling = schedules.reduce_on_plateau(1.0, patience=0, threshold=0.1)
    assert observed(falling, [-10, -10.5])[-1] == pytest.approx(0.1)  # less than 10 % better
    assert observed(falling, [-10, -11.5])[-1] == 1.0
    rising = schedules.reduce_on_plateau(1.0, patience=0, greater_is_better=True)
    assert observed(rising, [0.5, 0.6, 0.7]) == [1, 1, 1]
    assert observed(rising, [0.5, 0.4])[-1] == pytest.approx(0.1)


def test_plateau_takes_not_a_number_for_no_better():
    schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=0)
    assert observed(schedule, [math.nan, 1.0, math.nan]) == [0.5, 0.5, 0.25]


def test_plateau_counts_from_the_first_observation():
    schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=1)
    assert observed(schedule, [math.nan, 1.0]) == [1.0, 1.0]
    assert observed(schedule, [math.inf, math.nan]) == [1.0, 0.5]


@pytest.mark.parametrize("greater_is_better", [False, True])
def test_plateau_without_threshold_takes_an_equal_number_for_no_better(greater_is_better):
    schedule = schedules.reduce_on_plateau(
        1.0, factor=0.5, patience=0, threshold=0.0, greater_is_better=greater_is_better
    )
    sign = 1 if greater_is_better else -1
    assert observed(schedule, [sign * 1.0, sign * 1.0]) == [1.0, 0.5]
    assert observed(schedule, [sign * 1.0, sign * 1.0001]) == [1.0, 1.0]
    assert observed(schedule, [-sign * math.inf]) == [0.5]


def test_plateau_may_be_told_to_stay():
    assert observed(schedules.reduce_on_plateau(1.0, patience=0, minimum=1.0), [1, 1]) == [1, 1]


def test_plateau_state_is_plain_and_not_changed():
    schedule = schedules.reduce_on_plateau(1.0, patience=0)
    state = schedule.init()
    before = dict(state)
    following = schedule.observe(schedule.observe(state, 1.0), 2.0)
    assert state == before
    assert set(following) == set(state)
    assert all(type(value) is float for value in following.values())
