"""Schedules pass through the points their equations name, also at and beyond their ends."""

import math

import numpy as np
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


def test_cyclic_returns_to_its_lowest_rate():
    schedule = schedules.cyclic(1.0, 0.2, up=2, down=4)
    assert [schedule(t) for t in range(8)] == pytest.approx([0.2, 0.6, 1, 0.8, 0.6, 0.4, 0.2, 0.6])


def test_cosine_restarts_begin_at_their_peak():
    schedule = schedules.cosine_restarts(1.0, 10, length_factor=2, peak_factor=0.5, final=0.2)
    starts = [10 * (2**cycle - 1) for cycle in range(20)]
    assert [schedule(t) for t in starts[:4]] == pytest.approx([1, 0.6, 0.4, 0.3])
    plain = schedules.cosine_restarts(1.0, 10, length_factor=2)
    assert [plain(t) for t in starts] == pytest.approx([1.0] * 20)
    assert all(plain(t - 1) < 0.03 for t in starts[1:])
    assert schedule(5) == pytest.approx((1 + 0.2) / 2)


@pytest.mark.parametrize("factors", [(2.0, 1.0), (1.5, 0.7), (1.0, 0.9)])
def test_cosine_restarts_equal_keras(factors):
    """Its CosineDecayRestarts, written out with a loop over the restarts."""
    t_mul, m_mul = factors
    initial, first, alpha = 0.3, 10, 0.1
    schedule = schedules.cosine_restarts(initial, first, t_mul, m_mul, final=alpha * initial)
    for step in range(100):
        place, length, height = step, float(first), 1.0
        while place >= length:
            place, length, height = place - length, length * t_mul, height * m_mul
        cosine = 0.5 * height * (1 + math.cos(math.pi * place / length))
        assert schedule(step) == pytest.approx(initial * ((1 - alpha) * cosine + alpha), rel=1e-11)


@pytest.mark.parametrize("factor", [1.1, 1.5, 3.0, 7.3])
def test_cosine_restarts_of_any_growth_stay_between_their_ends(factor):
    schedule = schedules.cosine_restarts(1.0, 7, factor, final=0.1)
    rates = [schedule(t) for t in range(3000)]
    assert min(rates) >= 0.1 and max(rates) <= 1.0
    leaps = [t for t in range(1, 3000) if rates[t] > rates[t - 1] + 0.3]
    starts = [7 * (factor**c - 1) / (factor - 1) for c in range(1, 60)]
    assert leaps == [math.ceil(start) for start in starts if start < 2999]


def test_inverse_time_and_its_relatives():
    assert schedules.inverse_time(1.0, 3.0, every=2)(1) == pytest.approx(1 / 2.5)
    stairs = schedules.inverse_time(1.0, 3.0, every=2, staircase=True)
    assert [stairs(t) for t in range(5)] == pytest.approx([1, 1, 1 / 4, 1 / 4, 1 / 7])
    assert schedules.inv_scaling(1.0)(3) == pytest.approx(1 / 2)
    assert schedules.power(1.0, 2.0, every=5)(5) == pytest.approx(1 / 4)


def test_polynomial_that_cycles():
    schedule = schedules.polynomial(1.0, steps=10, final=0.1, cycle=True)
    expected = {0: 1.0, 5: 0.55, 10: 0.1, 11: 0.1 + 0.9 * 9 / 20, 20: 0.1, 21: 0.1 + 0.9 * 9 / 30}
    assert [schedule(t) for t in expected] == pytest.approx(list(expected.values()))


def test_noam_is_inverse_square_root_with_its_peak():
    noam = schedules.noam(1.0, model_size=64, warmup_steps=100)
    peak = 1 / math.sqrt(64 * 100)
    same = schedules.inverse_square_root(peak, warmup_steps=100)
    assert [noam(t - 1) for t in (1, 50, 100, 400)] == pytest.approx(
        [same(t) for t in (1, 50, 100, 400)]
    )
    assert noam(99) == pytest.approx(peak) and noam(399) == pytest.approx(peak / 2)


@pytest.mark.parametrize(
    ("curve", "middle"), [("linear", 0.6), ("cosine", 0.6), ("square_root", 1 - 0.8 * 0.5**0.5)]
)
def test_warmup_stable_decay(curve, middle):
    schedule = schedules.warmup_stable_decay(1.0, 20, 4, 6, final=0.2, curve=curve)
    rates = [schedule(t) for t in (0, 1, 4, 9, 14, 17, 20, 99)]
    # The warm-up does not reach into the fall, so that the two can be written as a product.
    assert rates == pytest.approx([0, 0.25, 1, 1, 1, middle, 0.2, 0.2])


def test_warmup_stable_decay_without_its_ends():
    assert schedules.warmup_stable_decay(0.5, 10, 0, 0)(7) == 0.5
    assert schedules.warmup_stable_decay(0.5, 10, 10, 0)(5) == 0.25


def test_swa_constant_takes_over_a_schedule():
    schedule = schedules.swa_constant(schedules.linear(1.0, 10), 5, 0.1, 4, "linear")
    expected = [1.0, 0.6, 0.5, 0.3, 0.1, 0.1]
    assert [schedule(t) for t in (0, 4, 5, 7, 9, 90)] == pytest.approx(expected)
    assert schedules.swa_constant(1.0, 3, 0.1, anneal_steps=0)(4) == pytest.approx(0.1)


@pytest.mark.parametrize("seed", range(6))
def test_adaptive_equals_scikit_learn(seed):
    """The rule of its MLP: no improvement is a loss above the best one less the tolerance."""
    losses = np.cumsum(np.random.default_rng(seed).normal(0, 1e-4, 80)) + 1.0
    rate, best, bad, expected = 0.1, math.inf, 0, []
    for loss in losses:
        bad = bad + 1 if loss > best - 1e-4 else 0
        best = min(best, loss)
        if bad > 3:
            rate, bad = rate / 5, 0
        expected.append(max(rate, 1e-6))
    scales = observed(schedules.adaptive(0.1, patience=3), losses)
    assert [0.1 * scale for scale in scales] == pytest.approx(expected)
    assert len(set(expected)) > 2


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
