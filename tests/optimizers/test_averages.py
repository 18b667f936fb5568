"""Averages of the weights equal those of PyTorch and Optax, and closed forms."""

import numpy as np
import pytest

from gradiente import optimizers
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import SGD, Adam, apply_updates

GRADIENTS = np.random.default_rng(0).normal(size=(12, 5))
START = np.random.default_rng(1).normal(size=5)


def path_of(optimizer, gradients=GRADIENTS, start=START):
    """The weights after each update, and the averages."""
    point = {"w": start}
    state, points, averages = optimizer.init(point), [], []
    for gradient in gradients:
        updates, state = optimizer.update({"w": gradient}, state, point)
        point = apply_updates(point, updates)
        points.append(point["w"])
        averages.append(optimizer.averaged(state, point)["w"])
    return np.array(points), np.array(averages), state


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_equal_torchs(kind):
    torch = pytest.importorskip("torch")
    tools = pytest.importorskip("torch.optim.swa_utils")
    model = torch.nn.Linear(5, 1, bias=False).double()
    model.weight.data = torch.tensor(START[None])
    function = {"ema": tools.get_ema_multi_avg_fn(0.7), "swa": None}[kind]
    averaged = tools.AveragedModel(model, multi_avg_fn=function)
    reference = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    for gradient in GRADIENTS:
        model.weight.grad = torch.tensor(gradient[None])
        reference.step()
        averaged.update_parameters(model)
        expected.append(averaged.module.weight.detach().numpy()[0].copy())
    ours = {
        "ema": optimizers.exponential_moving_average(SGD(0.1), 0.7),
        "swa": optimizers.stochastic_weight_averaging(SGD(0.1)),
    }[kind]
    np.testing.assert_allclose(path_of(ours)[1], expected, rtol=1e-12, atol=1e-14)


def test_swa_is_the_mean_of_the_weights_at_intervals():
    points, averages, state = path_of(optimizers.stochastic_weight_averaging(SGD(0.1), 2, 3))
    np.testing.assert_array_equal(averages[:4], points[:4])  # nothing averaged yet
    np.testing.assert_array_equal(averages[4], points[4])
    np.testing.assert_allclose(averages[7], points[[4, 7]].mean(0), rtol=1e-14)
    np.testing.assert_allclose(averages[11], points[[4, 7, 10]].mean(0), rtol=1e-13)
    assert state["slots"]["count"] == 3


def test_averages_leave_the_training_alone():
    plain = path_of(Adam(0.1))[0]
    for optimizer in (
        optimizers.exponential_moving_average(Adam(0.1)),
        optimizers.stochastic_weight_averaging(Adam(0.1), 3),
    ):
        np.testing.assert_array_equal(path_of(optimizer)[0], plain)


def test_lookahead_equals_optax():
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    ours, slow, _ = path_of(optimizers.lookahead(Adam(0.1), steps=3, step_size=0.4))
    with jax.enable_x64(True):
        theirs = optax.lookahead(optax.adam(0.1), 3, 0.4)
        points = optax.LookaheadParams.init_synced(START)
        state = theirs.init(points)
        for index, gradient in enumerate(GRADIENTS):
            updates, state = theirs.update(gradient, state, points)
            points = optax.apply_updates(points, updates)
            np.testing.assert_allclose(ours[index], np.asarray(points.fast), rtol=1e-11)
            np.testing.assert_allclose(slow[index], np.asarray(points.slow), rtol=1e-11)


@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw"])
def test_weights_of_schedule_free_equal_optax(name):
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    contrib = pytest.importorskip("optax.contrib")
    ours = {
        "schedule_free_sgd": optimizers.ScheduleFreeSGD(0.1),
        "schedule_free_adamw": optimizers.ScheduleFreeAdamW(0.1),
    }[name]
    averages = path_of(ours)[1]
    with jax.enable_x64(True):
        theirs, point = getattr(contrib, name)(0.1), START
        state = theirs.init(point)
        for gradient in GRADIENTS:
            updates, state = theirs.update(gradient, state, point)
            point = optax.apply_updates(point, updates)
        expected = np.asarray(contrib.schedule_free_eval_params(state, point))
    np.testing.assert_allclose(averages[-1], expected, rtol=1e-11)


def test_prodigy_finds_its_rate():
    """From 1e-6 to the order of the distance to the solution."""
    point, solution = {"w": np.zeros(4)}, np.array([30.0, -20.0, 10.0, 5.0])
    optimizer = optimizers.Prodigy()
    state = optimizer.init(point)
    for _ in range(1000):
        updates, state = optimizer.update({"w": point["w"] - solution}, state, point)
        point = apply_updates(point, updates)
    assert np.abs(point["w"] - solution).max() < 0.1
    assert 1 < state["slots"]["distance"] < np.linalg.norm(solution) * 2


def test_non_finite_updates_are_skipped_as_if_there_had_been_none():
    damaged = np.insert(GRADIENTS, [3, 3, 7], np.nan, axis=0)
    damaged[3, 1:] = 1.0  # one number is enough
    damaged[4, 0] = np.inf
    schedule = lambda step: 0.1 / (1 + step)  # noqa: E731
    ours, _, state = path_of(optimizers.skip_non_finite(Adam(schedule)), damaged)
    expected = path_of(Adam(schedule))[0]
    np.testing.assert_array_equal(np.delete(ours, [3, 4, 9], axis=0), expected)
    np.testing.assert_array_equal(ours[3], ours[2])
    assert state["slots"]["skipped"] == 3


def test_too_many_non_finite_updates_are_no_longer_skipped():
    damaged = np.full((4, 5), np.nan)
    points = path_of(optimizers.skip_non_finite(SGD(0.1), maximum=3), damaged)[0]
    assert np.all(np.isfinite(points[:3])) and np.all(np.isnan(points[3]))


def test_averages_inside_other_optimizers():
    averaging = optimizers.exponential_moving_average(SGD(0.1), 0.5)
    expected = path_of(averaging)[1]
    for outer in (
        optimizers.chain(optimizers.clip_by_global_norm(1e6), averaging),
        optimizers.groups({"*": averaging}),
        optimizers.skip_non_finite(averaging),
    ):
        np.testing.assert_array_equal(path_of(outer)[1], expected)
    mixed = optimizers.groups({"w": averaging, "*": SGD(0.1)})
    point = {"w": START, "b": START}
    state = mixed.init(point)
    np.testing.assert_array_equal(mixed.averaged(state, point)["b"], START)


def test_what_cannot_be_combined():
    averaging = optimizers.exponential_moving_average(SGD(0.1))
    with pytest.raises(InvalidArgumentError, match="put it last in `chain`"):
        optimizers.chain(averaging, optimizers.freeze("*"))
    with pytest.raises(InvalidArgumentError, match="put `lookahead` inside"):
        optimizers.lookahead(averaging)
    with pytest.raises(InvalidArgumentError, match="goes around an optimizer"):
        optimizers.exponential_moving_average(optimizers.clip_by_value(1.0))
    for make in (optimizers.lookahead, optimizers.skip_non_finite):
        with pytest.raises(InvalidArgumentError, match="goes around an optimizer"):
            make("adam")


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (optimizers.exponential_moving_average, {"decay": 1.0}, "`decay` is 1.0"),
        (optimizers.stochastic_weight_averaging, {"every": 0}, "`every` is 0"),
        (optimizers.stochastic_weight_averaging, {"start": -1}, "`start` is -1"),
        (optimizers.lookahead, {"steps": 0}, "`steps` is 0"),
        (optimizers.lookahead, {"step_size": 0}, "`step_size` is 0"),
        (optimizers.skip_non_finite, {"maximum": 0}, "`maximum` is 0"),
    ],
)
def test_refused(make, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make(SGD(0.1), **options)
