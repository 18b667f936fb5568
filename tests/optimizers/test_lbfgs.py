"""L-BFGS equals PyTorch's without a line search, and converges like SciPy's with its own."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import (
    LBFGS,
    SGD,
    apply_updates,
    chain,
    clip_by_value,
    exponential_moving_average,
    groups,
    lookahead,
)
from gradiente.optimizers.optimizer import Evaluation


def minimized(optimizer, function, start, iterations=200):
    """The parameters, why the search ended, and how often it has evaluated."""
    both, count = gd.value_and_grad(function), [0]

    def evaluate(parameters):
        count[0] += 1
        value, gradients = both(parameters)
        return Evaluation(float(value), gradients)

    point, state = start, optimizer.init(start)
    known = evaluate(point)
    for _ in range(iterations):
        outcome, state = optimizer.searched(evaluate, known, state, point)
        point, known = outcome.parameters, outcome.evaluation
        if outcome.stopped:
            return point, outcome.stopped, count[0]
    return point, None, count[0]


def rosenbrock(parameters):
    x = parameters["x"]
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("size", [2, 10])
def test_rosenbrock_like_scipy(size):
    scipy = pytest.importorskip("scipy.optimize")
    start = np.tile([-1.2, 1.0], size // 2)
    point, stopped, evaluations = minimized(LBFGS(), rosenbrock, {"x": start})
    theirs = scipy.minimize(
        scipy.rosen,
        start,
        jac=scipy.rosen_der,
        method="L-BFGS-B",
        options={"gtol": 1e-7, "ftol": 0, "maxcor": 10},
    )
    np.testing.assert_allclose(point["x"], 1.0, atol=1e-7)
    assert "no number of the gradient is above 1e-07" in stopped
    assert evaluations < 1.5 * theirs.nfev


def test_weights_of_several_shapes_are_one_vector():
    start = np.array([-1.2, 1.0, 0.5, 2.0, -1.0])

    def joined(parameters):
        x = np.concatenate([parameters["a"], np.ravel(parameters["b"]), parameters["c"][None]])
        return rosenbrock({"x": x})

    parts = {"a": start[:2], "b": start[2:4].reshape(1, 2), "c": start[4]}
    whole, _, _ = minimized(LBFGS(), rosenbrock, {"x": start}, 15)
    split, _, _ = minimized(LBFGS(), joined, parts, 15)
    np.testing.assert_allclose(split["a"], whole["x"][:2], rtol=1e-6)
    np.testing.assert_allclose(split["c"], whole["x"][4], rtol=1e-6)


def test_a_quadratic_is_solved_in_as_many_iterations_as_it_has_curvatures():
    scales = np.array([1.0, 10.0, 100.0])
    point, stopped, evaluations = minimized(
        LBFGS(tolerance=1e-9), lambda p: np.sum(scales * (p["x"] - 1) ** 2), {"x": np.zeros(3)}
    )
    np.testing.assert_allclose(point["x"], 1.0, rtol=1e-9)
    assert stopped and evaluations < 25


def test_weight_decay_is_a_part_of_what_is_minimized():
    optimizer = LBFGS(weight_decay=0.5, only="w", tolerance=1e-10)
    start = {"w": np.zeros(2), "b": np.zeros(2)}
    point, _, _ = minimized(
        optimizer, lambda p: np.sum((p["w"] - 3) ** 2 + (p["b"] - 3) ** 2), start
    )
    np.testing.assert_allclose(point["w"], 3 * 2 / 2.5, rtol=1e-8)
    np.testing.assert_allclose(point["b"], 3, rtol=1e-8)


@pytest.mark.parametrize(
    ("function", "start", "reason"),
    [
        (lambda p: np.sum(p["x"] ** 2), 0.0, "no number of the gradient is above"),
        (lambda p: np.sum(np.abs(p["x"] - 0.3) ** 1.5) * np.inf, 1.0, "the loss is not finite"),
    ],
)
def test_nothing_to_do(function, start, reason):
    with np.errstate(all="ignore"):
        point, stopped, evaluations = minimized(LBFGS(), function, {"x": np.full(2, start)})
    assert reason in stopped and evaluations == 1
    np.testing.assert_array_equal(point["x"], start)


def test_nothing_moves_at_a_rate_of_zero():
    waiting = LBFGS(lambda step: 1.0 * (step > 2))
    point, stopped, evaluations = minimized(waiting, rosenbrock, {"x": np.zeros(2)}, 2)
    np.testing.assert_array_equal(point["x"], 0.0)
    assert stopped is None and evaluations == 1
    point, _, _ = minimized(waiting, rosenbrock, {"x": np.zeros(2)}, 100)
    np.testing.assert_allclose(point["x"], 1.0, atol=1e-6)


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_without_a_line_search_it_is_torchs(rate):
    torch = pytest.importorskip("torch")
    start = np.array([-0.4, 0.6, 0.2, 0.9])
    hard = np.array([1.0, 5.0, 2.0, 9.0])

    def function(x, cosh):
        return (hard_of(x) * (x - 1) ** 2).sum() + cosh(x).sum()

    def hard_of(x):
        return torch.tensor(hard) if isinstance(x, torch.Tensor) else hard

    theirs = torch.nn.Parameter(torch.tensor(start))
    reference = torch.optim.LBFGS([theirs], lr=rate, max_iter=1, history_size=3)
    optimizer, point = LBFGS(rate, history=3), {"x": start}
    state, gradient = optimizer.init(point), gd.grad(lambda p: function(p["x"], np.cosh))

    def closure():
        reference.zero_grad()
        value = function(theirs, torch.cosh)
        value.backward()
        return value

    for _ in range(8):
        reference.step(closure)
        updates, state = optimizer.update(gradient(point), state, point)
        point = apply_updates(point, updates)
        np.testing.assert_allclose(point["x"], theirs.detach().numpy(), rtol=1e-9)
    assert np.abs(point["x"] - start).max() > 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda: chain(clip_by_value(1.0), LBFGS()),
        lambda: groups({"*": LBFGS()}),
        lambda: lookahead(LBFGS()),
        lambda: exponential_moving_average(LBFGS()),
        lambda: chain(LBFGS(), SGD()),
    ],
)
def test_it_stands_alone(make):
    with pytest.raises(InvalidArgumentError, match="it stands alone"):
        make()
