"""`gd.verify` says when gradients are right, when they are wrong, and where there is a kink."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import NotDifferentiableError
from gradiente.insight.verify import DIRECTIONS

RANDOM = np.random.default_rng(0)


def scaled_gradient(factor):
    @gd.custom_gradient
    def function(x):
        return np.tanh(x), lambda g: factor * g * (1 - np.tanh(x) ** 2)

    return function


def network(params, x):
    hidden = gd.relu(x @ params["w1"] + params["b1"])
    return gd.softmax(hidden @ params["w2"])


PARAMS = {
    "w1": RANDOM.normal(size=(3, 8)),
    "b1": RANDOM.normal(size=8),
    "w2": RANDOM.normal(size=(8, 2)),
}
INPUT = RANDOM.normal(size=(5, 3))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_right_gradients_pass(dtype):
    params = {name: value.astype(dtype) for name, value in PARAMS.items()}
    report = gd.verify(network, params, INPUT.astype(dtype))
    assert report
    assert report.worst < 1e-8
    assert len(report.checks) == 4 * DIRECTIONS
    assert {check.argument for check in report.checks} == {
        "argument 0: w1",
        "argument 0: b1",
        "argument 0: w2",
        "argument 1",
    }
    text = repr(report)
    assert text.startswith("network: gradients are right (worst relative error ")
    assert text.count(" ok") == len(report.checks)
    assert "argument 0: w1" in text


@pytest.mark.parametrize("factor", [1.001, 0.5, 0.0, -1.0, np.nan])
def test_wrong_gradients_do_not(factor):
    report = gd.verify(scaled_gradient(factor), INPUT)
    assert not report
    assert not any(check.passed for check in report.checks)
    assert "GRADIENTS ARE WRONG" in repr(report)
    assert repr(report).count("WRONG") == 1 + DIRECTIONS
    if np.isfinite(factor):
        assert report.worst == pytest.approx(abs(factor - 1) / max(abs(factor), 1), rel=1e-3)


def test_a_small_error_passes_or_fails_by_the_tolerance():
    function = scaled_gradient(1.001)
    assert not gd.verify(function, INPUT, tolerance=1e-4)
    assert gd.verify(function, INPUT, tolerance=1e-2)
    assert gd.verify(scaled_gradient(1.0), INPUT, tolerance=1e-9)


def test_one_wrong_argument_among_right_ones_is_named():
    wrong = scaled_gradient(2.0)
    report = gd.verify(lambda a, b: np.tanh(a) + wrong(b), np.ones(2), np.ones(2))
    assert not report
    assert {check.argument for check in report.checks if not check.passed} == {"argument 1"}


def test_kinks_are_told_from_errors():
    report = gd.verify(np.abs, np.zeros(3))
    assert report
    assert all(check.kink for check in report.checks)
    assert f"{DIRECTIONS} at a kink (not compared)" in repr(report)
    assert repr(report).count("kink") == 1 + DIRECTIONS
    assert report.worst == 0.0
    smooth = gd.verify(np.abs, np.ones(3))
    assert smooth
    assert not any(check.kink for check in smooth.checks)


def test_curvature_is_no_kink():
    assert not any(check.kink for check in gd.verify(lambda x: 1e3 * x**2, np.zeros(3)).checks)
    assert gd.verify(lambda x: np.sin(30 * x), INPUT)
    assert gd.verify(lambda x: np.exp(5 * x), INPUT)


def test_rounding_of_large_values_is_no_error_and_hides_none():
    right = gd.verify(lambda x: gd.sum(np.tanh(x)) + 1e7, INPUT)
    assert right
    assert not any(check.kink for check in right.checks)
    wrong = scaled_gradient(1.5)
    assert not gd.verify(lambda x: gd.sum(wrong(x)) + 1e7, INPUT)
    assert not gd.verify(lambda x: gd.sum(wrong(x)) + 1e10, INPUT)
    assert gd.verify(lambda x: (np.tanh(x), 1e12 + 0 * x), INPUT).worst < 1e-3


def test_trees_integers_and_structures_go_in_and_come_out():
    def function(tree, labels, scale, name):
        assert name == "a"
        assert labels.dtype == np.int64
        picked = np.take_along_axis(tree["x"], labels[:, None], axis=1)
        return {"loss": picked * scale, "best": np.argmax(tree["x"], axis=1), "n": tree["n"] + 1}

    tree = {"x": INPUT.astype(np.float32), "n": np.arange(3)}
    report = gd.verify(function, tree, np.array([0, 1, 2, 0, 1]), 2.0, "a")
    assert report
    assert {check.argument for check in report.checks} == {"argument 0: x", "argument 2"}


def test_argnums_choose_the_arguments():
    wrong = scaled_gradient(2.0)

    def function(a, b):
        return np.tanh(a) + wrong(b)

    assert gd.verify(function, INPUT, INPUT, argnums=0)
    assert not gd.verify(function, INPUT, INPUT, argnums=1)
    assert not gd.verify(function, INPUT, INPUT, argnums=-1)
    assert not gd.verify(function, INPUT, INPUT, argnums=(0, 1))


def test_the_same_seed_gives_the_same_report():
    first, second = (gd.verify(network, PARAMS, INPUT, seed=3) for _ in range(2))
    assert first == second
    assert first != gd.verify(network, PARAMS, INPUT, seed=4)


def test_arguments_are_not_modified_and_scalars_are_taken():
    x = INPUT.copy()
    assert gd.verify(lambda x, s: x * s, x, 2.5)
    np.testing.assert_array_equal(x, INPUT)
    assert gd.verify(lambda x: x * x, np.float32(3.0))
    assert gd.verify(lambda x: gd.sum(x), np.zeros((0, 3)))


def test_second_derivatives_can_be_verified():
    assert gd.verify(gd.grad(lambda x: gd.sum(np.tanh(x) ** 3)), INPUT)
    wrong = scaled_gradient(1.1)
    assert not gd.verify(gd.grad(lambda x: gd.sum(wrong(x) ** 3)), INPUT)


@pytest.mark.parametrize("args", [(np.arange(3),), (True, "a"), ()])
def test_nothing_to_verify_is_an_error_not_a_success(args):
    with pytest.raises(NotDifferentiableError, match="nothing to verify") as caught:
        gd.verify(lambda *args: 1.0, *args)
    assert __file__ in str(caught.value)
    with pytest.raises(NotDifferentiableError, match="argnums=5"):
        gd.verify(lambda x: x, INPUT, argnums=5)
