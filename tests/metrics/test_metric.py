"""Laws that every metric of the registry keeps: batches add up, weights count, types stay."""

import dataclasses

import numpy as np
import pytest

from gradiente import metrics
from gradiente.base.errors import (
    GradienteError,
    InvalidArgumentError,
    ShapeError,
    UnknownNameError,
)
from gradiente.base.trees import flatten
from gradiente.graph.evaluate import evaluate
from gradiente.graph.graph import verify
from gradiente.metrics.metric import METRICS, Metric, declare, find_metric
from gradiente.trace.trace import slot_of, trace

ARGUMENTS = {"top_k_accuracy": (2,), "confusion_matrix": (4,)}
TWO_CLASSES = ("precision", "recall", "f1", "binary_accuracy")
NUMBERS = ("mse", "rmse", "mae", "r2")


def made(name: str) -> Metric:
    entry = METRICS[name]
    return entry if isinstance(entry, Metric) else entry(*ARGUMENTS[name])


def example(name: str, samples: int = 60, seed: int = 0):
    """Prediction, target and weights that suit the metric, with ties among the predictions."""
    random = np.random.default_rng(seed)
    weight = random.uniform(0.2, 3.0, samples).astype(np.float32)
    if name in NUMBERS:
        target = random.normal(size=(samples, 3)).astype(np.float32)
        return target + 0.3 * random.normal(size=target.shape).astype(np.float32), target, weight
    if name in TWO_CLASSES:
        target = random.integers(0, 2, samples)
        return (random.normal(size=samples) + target).astype(np.float32), target, weight
    target = random.integers(0, 4, samples)
    prediction = np.round(random.normal(size=(samples, 4)), 1).astype(np.float32)
    return prediction, target, weight


def through_a_graph(function, *arguments):
    """Trace `function` without knowing any value, check the graph, then compute it."""
    leaves, structure = flatten((arguments, {}))
    names = [f"x{position}" for position in range(len(leaves))]
    traced = trace(function, structure, [slot_of(leaf) for leaf in leaves], names)
    verify(traced.graph)
    for node, leaf in zip(traced.graph.inputs, leaves, strict=True):
        node.value = np.asarray(leaf)
    evaluate(traced.graph.outputs)
    return traced.rebuild([node.value for node in traced.graph.outputs])


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("weighted", [False, True])
def test_its_statistics_are_the_same_through_a_graph(name, weighted):
    metric = made(name)
    prediction, target, weight = example(name)
    given = (prediction, target, weight if weighted else None)
    result = through_a_graph(metric.statistics, *given)
    expected = metric.statistics(*given)
    assert result.keys() == expected.keys()
    for key, value in expected.items():
        assert result[key].dtype == value.dtype
        np.testing.assert_allclose(result[key], value, rtol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_batches_add_up_to_the_whole(name):
    metric = made(name)
    prediction, target, weight = example(name)
    pieces = [slice(0, 7), slice(7, 40), slice(40, 41), slice(41, 60)]
    batches = [metric.statistics(prediction[p], target[p], weight[p]) for p in pieces]
    np.testing.assert_allclose(
        metric.value(metric.combined(batches)), metric(prediction, target, weight), rtol=1e-5
    )


@pytest.mark.parametrize("name", METRICS)
def test_a_whole_weight_is_a_repetition(name):
    metric = made(name)
    prediction, target, _ = example(name)
    times = np.random.default_rng(1).integers(0, 4, len(target))
    repeated = metric(np.repeat(prediction, times, axis=0), np.repeat(target, times, axis=0))
    np.testing.assert_allclose(metric(prediction, target, times), repeated, rtol=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_samples_of_weight_zero_change_nothing(name):
    metric = made(name)
    prediction, target, weight = example(name)
    expected = metric(prediction, target, weight)
    padding = np.full_like(target[:3], 99)
    padded = metric(
        np.concatenate([prediction, prediction[:3]]),
        np.concatenate([target, padding]),
        np.concatenate([weight, np.zeros(3, np.float32)]),
    )
    np.testing.assert_allclose(padded, expected, rtol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_no_samples_of_any_weight_have_no_value(name):
    metric = made(name)
    prediction, target, weight = example(name)
    value = metric(prediction, target, np.zeros_like(weight))
    assert np.all(np.isnan(value)) or name == "confusion_matrix"


@pytest.mark.parametrize("name", METRICS)
def test_a_float32_network_is_measured_in_float32(name):
    metric = made(name)
    statistics = metric.statistics(*example(name))
    floating = {each.dtype for each in statistics.values() if each.dtype.kind == "f"}
    assert floating == {np.dtype(np.float64 if name == "r2" else np.float32)}


@pytest.mark.parametrize("name", METRICS)
def test_the_value_of_a_scalar_metric_is_a_python_float(name):
    metric = made(name)
    expected = np.ndarray if name == "confusion_matrix" else float
    assert type(metric(*example(name))) is expected


@pytest.mark.parametrize("name", METRICS)
def test_samples_and_targets_of_different_number_are_refused(name):
    prediction, target, weight = example(name)
    with pytest.raises(ShapeError):
        made(name)(prediction, target[:-1])
    with pytest.raises(ShapeError):
        made(name)(prediction, target, weight[:-1])


@pytest.mark.parametrize("name", METRICS)
def test_a_better_prediction_is_better_in_the_stated_direction(name):
    metric = made(name)
    prediction, target, _ = example(name)
    if name in NUMBERS:
        better = (prediction + target) / 2
    elif name in TWO_CLASSES:
        better = prediction + 2 * (target * 2 - 1)
    else:
        better = prediction + 2 * np.eye(4, dtype=np.float32)[target]
    if metric.greater_is_better is None:
        gained = np.trace(metric(better, target)) > np.trace(metric(prediction, target))
    else:
        gained = (metric(better, target) > metric(prediction, target)) == metric.greater_is_better
    assert gained


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_public_under_its_name(name):
    assert getattr(metrics, name) is METRICS[name]
    assert name in metrics.__all__


def test_a_name_is_declared_once():
    with pytest.raises(InvalidArgumentError, match="`accuracy` is declared already"):
        declare("accuracy", METRICS["accuracy"])


def test_a_metric_is_found_by_its_name():
    assert find_metric("F1-Macro") is metrics.f1_macro
    with pytest.raises(UnknownNameError, match="Did you mean `accuracy`"):
        find_metric("acuracy")


def test_a_metric_over_no_batches_is_refused():
    with pytest.raises(InvalidArgumentError, match="over no batches"):
        metrics.mse.combined([])


def test_a_metric_is_frozen_and_named():
    assert repr(metrics.accuracy) == "<metric accuracy>"
    assert metrics.top_k_accuracy(5).name == "top_5_accuracy"
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.accuracy.name = "other"


def test_sums_over_many_batches_do_not_saturate():
    full = {"hits": np.float32(2**24), "weight": np.float32(2**24), "outside": np.float32(0)}
    one = {"hits": np.float32(1), "weight": np.float32(1), "outside": np.float32(0)}
    assert metrics.accuracy.combined([full, one, one])["hits"] == 2**24 + 2


def test_errors_of_metrics_are_errors_of_the_library():
    with pytest.raises(GradienteError):
        metrics.top_k_accuracy(0)
