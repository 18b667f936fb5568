"""What holds for every schedule: purity, types, printing, plotting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente import schedules
from gradiente.backends.compile import compile
from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.optimizers import SGD
from gradiente.schedules import SCHEDULES, Schedule, find_schedule

EXAMPLES = {
    "constant": schedules.constant(0.1),
    "step": schedules.step(0.1, every=5),
    "exponential": schedules.exponential(0.1, 0.9, every=3, minimum=0.05),
    "linear": schedules.linear(0.1, steps=20),
    "cosine": schedules.cosine(0.1, steps=20, warmup_steps=5, final=0.01),
    "one_cycle": schedules.one_cycle(0.1, steps=20),
    "warmup": schedules.warmup(schedules.linear(0.1, steps=10), steps=5),
    "reduce_on_plateau": schedules.reduce_on_plateau(0.1),
    "adaptive": schedules.adaptive(0.1),
    "multi_step": schedules.multi_step(0.1, at=[3, 12]),
    "piecewise_constant": schedules.piecewise_constant(0.1, {4: 0.02, 9: 0.05}),
    "piecewise_interpolate": schedules.piecewise_interpolate(0.02, {4: 0.1, 9: 0.05}, "cosine"),
    "inverse_time": schedules.inverse_time(0.1, 0.5, every=4, staircase=True),
    "inv_scaling": schedules.inv_scaling(0.1, 0.6),
    "power": schedules.power(0.1, 1.5, every=10),
    "polynomial": schedules.polynomial(0.1, steps=8, power=2.0, final=0.01, cycle=True),
    "inverse_square_root": schedules.inverse_square_root(0.1, warmup_steps=6),
    "noam": schedules.noam(0.1, model_size=4, warmup_steps=6),
    "cosine_restarts": schedules.cosine_restarts(0.1, 5, 2.0, 0.8, 0.01),
    "sgdr": schedules.sgdr([0.1, 0.05], [7, 9], warmup_steps=2),
    "cyclic": schedules.cyclic(0.1, 0.01, up=4, down=3, mode="exp_range", factor=0.9),
    "swa_constant": schedules.swa_constant(schedules.step(0.1, 3), 8, 0.03),
    "warmup_stable_decay": schedules.warmup_stable_decay(0.1, 24, 4, 6, curve="square_root"),
    "joined": schedules.joined([schedules.linear(0.1, 5), schedules.constant(0.05)], [6]),
    "chained": schedules.chained([schedules.step(0.1, 4), schedules.linear(0.3, 9, 1.0)]),
}
WATCHING = ("reduce_on_plateau", "adaptive")
PLAIN = [name for name in EXAMPLES if name not in WATCHING]
COMBINED = {"joined", "chained"}  # made of schedules, so they have no rate of their own to choose


def test_every_schedule_has_an_example():
    assert set(EXAMPLES) == set(SCHEDULES) | COMBINED


@pytest.mark.parametrize("name", PLAIN)
def test_numbers_and_arrays_give_the_same_rates(name):
    schedule = EXAMPLES[name]
    by_number = [schedule(step) for step in range(30)]
    assert all(type(rate) is float for rate in by_number)
    by_array = schedule(np.arange(30))
    assert by_array.dtype == np.float64
    np.testing.assert_allclose(by_array, by_number, rtol=1e-15, atol=0)  # NumPy's two powers
    for step in (0, 3, 29):
        rate = schedule(np.array(step, np.int64))
        assert (rate.dtype, rate.shape) == (np.float64, ())
        assert rate == pytest.approx(by_number[step], rel=1e-15, abs=0)


@pytest.mark.parametrize("name", PLAIN)
@given(step=st.integers(0, 2**40))
def test_rates_are_never_negative_or_above_the_peak(name, step):
    assert 0.0 <= EXAMPLES[name](step) <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize("name", EXAMPLES)
def test_repr_makes_the_same_schedule(name):
    schedule = EXAMPLES[name]
    again = eval(repr(schedule), vars(schedules))
    assert again == schedule
    assert again(7) == schedule(7)


def test_equality_looks_at_the_options():
    assert schedules.constant(0.1) == schedules.constant(0.1)
    assert hash(schedules.constant(0.1)) == hash(schedules.constant(0.1))
    assert schedules.constant(0.1) != schedules.constant(0.2)
    assert schedules.constant(0.1) != schedules.warmup(0.1, 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_plot_shows_the_rates(name):
    pytest.importorskip("plotly")
    figure = EXAMPLES[name].plot(30)
    np.testing.assert_array_equal(figure.data[0].x, range(30))
    np.testing.assert_array_equal(figure.data[0].y, [EXAMPLES[name](step) for step in range(30)])
    assert figure.layout.title.text == repr(EXAMPLES[name])


def test_a_plot_of_one_step():
    pytest.importorskip("plotly")
    assert schedules.constant(0.1).plot(1).data[0].y == (0.1,)


def test_a_long_plot_has_few_points_and_both_ends():
    pytest.importorskip("plotly")
    shown = schedules.linear(0.1, 10**6).plot(10**6).data[0].x
    assert len(shown) == 2000
    assert (shown[0], shown[-1]) == (0, 10**6 - 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_optimizer_follows_the_schedule(name):
    schedule, point = EXAMPLES[name], {"x": np.zeros(1, np.float32)}
    optimizer = SGD(schedule)
    state = optimizer.init(point)
    for step in range(25):
        updates, state = optimizer.update({"x": np.ones(1, np.float32)}, state, point)
        assert updates["x"].dtype == np.float32
        assert -updates["x"][0] == pytest.approx(np.float32(schedule(step)), rel=1e-7, abs=0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schedule_can_be_compiled(name):
    schedule = EXAMPLES[name]
    compiled = compile(lambda step: 0.5 * schedule(step), backend="numpy")
    for step in range(25):
        rate = compiled(np.array(step, np.int64))
        assert rate == pytest.approx(0.5 * schedule(step), rel=1e-15, abs=0)


@pytest.mark.parametrize("name", PLAIN)
def test_native_rates_are_those_of_numpy(name):
    schedule = EXAMPLES[name]
    compiled = compile(lambda step: 1.0 * schedule(step), backend="native")
    for step in range(40):
        rate = compiled(np.array(step, np.int64))
        assert rate == pytest.approx(schedule(step), rel=1e-13, abs=1e-17)


def test_your_own_schedule():
    own = Schedule("own", lambda step: 1 / (1 + step))
    assert [own(step) for step in range(3)] == [1.0, 1 / 2, 1 / 3]
    assert repr(own) == "own()"


def test_warmup_of_a_function():
    schedule = schedules.warmup(lambda step: 0.5 * 0.1**step, steps=2)
    np.testing.assert_allclose([schedule(t) for t in range(4)], [0.0, 0.25, 0.5, 0.05], rtol=1e-12)


def test_found_by_name_in_any_case():
    assert find_schedule("One-Cycle") is schedules.one_cycle
    with pytest.raises(UnknownNameError, match=r"`cosin` does not exist\. Did you mean `cosine`"):
        find_schedule("cosin")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.constant(-0.1), "`learning_rate` is -0.1"),
        (lambda: schedules.step(0.1, every=0), "`every` is 0: .*1 or more"),
        (lambda: schedules.step(0.1, every=2.5), "`every` is 2.5: .*whole number"),
        (lambda: schedules.step(0.1, every=2, factor=-1), "`factor` is -1"),
        (lambda: schedules.exponential(0.1, factor=0), "`factor` is 0: .*above 0"),
        (lambda: schedules.exponential(0.1, 0.9, minimum=-1), "`minimum` is -1"),
        (lambda: schedules.linear(0.1, steps=0), "`steps` is 0"),
        (lambda: schedules.linear(0.1, steps=5, final=-1), "`final` is -1"),
        (lambda: schedules.cosine(0.1, steps=10, warmup_steps=10), "below `steps`, 10"),
        (lambda: schedules.cosine(0.1, steps=10, start=-1), "`start` is -1"),
        (lambda: schedules.warmup(0.1, steps=0), "`steps` is 0"),
        (lambda: schedules.warmup("fast", steps=1), "`learning_rate` is 'fast'"),
        (lambda: schedules.one_cycle(0.1, 10, warmup_fraction=1.1), "`warmup_fraction` is 1.1"),
        (lambda: schedules.one_cycle(0.1, 10, 0.6, three_phases=True), "must be at most 0.5"),
        (lambda: schedules.one_cycle(0.1, 10, start_divisor=0), "`start_divisor` is 0"),
        (lambda: schedules.one_cycle(0.1, 10, final_divisor=0), "`final_divisor` is 0"),
        (lambda: schedules.one_cycle(0.1, 10, anneal="cos"), "`anneal` is 'cos'.*'cosine'"),
        (lambda: schedules.reduce_on_plateau(0.0), "`learning_rate` is 0.0: .*above 0"),
        (lambda: schedules.reduce_on_plateau(0.1, factor=1.0), "`factor` is 1.0: .*below 1"),
        (lambda: schedules.reduce_on_plateau(0.1, patience=-1), "`patience` is -1"),
        (lambda: schedules.reduce_on_plateau(0.1, threshold=-1), "`threshold` is -1"),
        (lambda: schedules.reduce_on_plateau(0.1, threshold_mode="rel"), "'relative', 'absolute'"),
        (lambda: schedules.reduce_on_plateau(0.1, cooldown=-1), "`cooldown` is -1"),
        (lambda: schedules.reduce_on_plateau(0.1, minimum=0.2), "at most `learning_rate`, 0.1"),
        (lambda: schedules.constant(0.1).plot(0), "`steps` is 0"),
        (lambda: schedules.adaptive(0.1, patience=-1), "`patience` is -1"),
        (lambda: schedules.multi_step(0.1, at=3), "`at` is 3: .*list of steps"),
        (lambda: schedules.multi_step(0.1, at=[0]), "`at` is 0"),
        (lambda: schedules.piecewise_constant(0.1, [3]), "`changes` is .*dict of rates by step"),
        (lambda: schedules.piecewise_constant(0.1, {0: 1.0}), "`changes` is 0"),
        (lambda: schedules.piecewise_constant(0.1, {3: -1.0}), r"`changes\[3\]` is -1.0"),
        (lambda: schedules.piecewise_interpolate(0.1, {3: 1.0}, "cos"), "`curve` is 'cos'"),
        (lambda: schedules.inverse_time(0.1, -1), "`decay` is -1"),
        (lambda: schedules.inv_scaling(0.1, -1), "`power` is -1"),
        (lambda: schedules.power(0.1, -1), "`exponent` is -1"),
        (lambda: schedules.polynomial(0.1, 3, power=0), "`power` is 0: .*above 0"),
        (lambda: schedules.inverse_square_root(0.1, 0), "`warmup_steps` is 0"),
        (lambda: schedules.noam(model_size=0), "`model_size` is 0"),
        (lambda: schedules.cosine_restarts(0.1, 3, 0.5), "`length_factor` is 0.5"),
        (lambda: schedules.sgdr([0.1], [3, 4]), "has 1 peaks for 2 cycles"),
        (lambda: schedules.sgdr(0.1, 3), "`steps` is 3: .*one for each cycle"),
        (lambda: schedules.cyclic(0.1, 0.2), "`lowest` is 0.2: .*at most 0.1"),
        (lambda: schedules.cyclic(0.1, 0.0, mode="square"), "`mode` is 'square'"),
        (lambda: schedules.swa_constant(0.1, -1, 0.0), "`start` is -1"),
        (lambda: schedules.swa_constant(0.1, 1, 0.0, curve="log"), "`curve` is 'log'"),
        (lambda: schedules.warmup_stable_decay(0.1, 9, 5, 5), "are 5 and 5: together .* 9"),
        (lambda: schedules.joined([schedules.constant(0.1)], [3]), "1 schedules need 0"),
        (lambda: schedules.joined([schedules.constant(0.1)] * 3, [3, 3]), "rising order"),
        (lambda: schedules.joined([0.1], []), "list of schedules"),
        (lambda: schedules.chained([]), "list of schedules"),
    ],
)
def test_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()
