"""Laws that every loss of the registry keeps, and how a function becomes a loss."""

import inspect
from functools import partial

import numpy as np
import pytest

from gradiente import losses
from gradiente.base.errors import (
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)
from gradiente.base.trees import flatten
from gradiente.gradient.derivatives import grad, value_and_grad
from gradiente.graph.evaluate import evaluate
from gradiente.graph.graph import verify
from gradiente.losses.loss import LOSSES, Loss, declare, find_loss
from gradiente.trace.trace import slot_of, trace
from tests.losses.examples import CASES, EXAMPLES, JOINT, example


def rows(target, chosen):
    return None if target is None else target[chosen]


def apart(cases):
    """The cases in which the loss of a sample depends on that sample alone."""
    return [(name, options) for name, options in cases if name not in JOINT]


# Weights of Efron's ties are means over the tied events, and pairs of equal samples are more pairs.
REPEATABLE = [*apart(CASES), ("cox", {"ties": "breslow"})]
# The factors of the circle loss count as constants.
SMOOTH = [(name, options) for name, options in CASES if name != "circle"]


def test_every_loss_has_an_example():
    assert set(EXAMPLES) == set(LOSSES)


def weights(samples=12, dtype=np.float32):
    return np.random.default_rng(9).uniform(0.0, 2.0, samples).astype(dtype)


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


@pytest.mark.parametrize(("name", "options"), apart(CASES))
def test_the_loss_of_one_sample_is_its_entry_in_per_sample(name, options):
    loss = partial(LOSSES[name], **options)
    prediction, target = example(name, dtype=np.float64)
    each = LOSSES[name].per_sample(prediction, target, **options)
    alone = [loss(prediction[[i]], rows(target, [i])) for i in range(12)]
    np.testing.assert_allclose(each, alone, rtol=1e-12)
    assert each.shape == (12,)


@pytest.mark.parametrize(("name", "options"), apart(CASES))
@pytest.mark.parametrize("weighted", [False, True])
def test_totals_add_up_over_batches(name, options, weighted):
    loss = partial(LOSSES[name], **options)
    prediction, target = example(name, dtype=np.float64)
    weight = weights(dtype=np.float64) if weighted else None
    pieces = [slice(0, 5), slice(5, 6), slice(6, 12)]
    parts = [losses.totals(loss, prediction[p], rows(target, p), rows(weight, p)) for p in pieces]
    total, count = np.sum(parts, axis=0)
    np.testing.assert_allclose(total / count, loss(prediction, target, weight), rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), REPEATABLE)
def test_a_whole_weight_is_a_repetition(name, options):
    loss = partial(LOSSES[name], **options)
    prediction, target = example(name, dtype=np.float64)
    times = np.arange(12) % 3
    again = np.repeat(np.arange(12), times)
    repeated = loss(prediction[again], rows(target, again))
    np.testing.assert_allclose(loss(prediction, target, times), repeated, rtol=1e-12)
    if name not in JOINT:  # where the mean is relative to the weights, their scale is nothing
        fivefold = loss(prediction, target, sample_weight=times[:, None] * 5.0)
        np.testing.assert_allclose(fivefold, repeated, rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_no_weight_at_all_is_a_loss_of_zero(name, options):
    prediction, target = example(name)
    nothing = np.zeros(12, np.float32)
    assert LOSSES[name](prediction, target, nothing, **options) == 0.0


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_data_type_is_that_of_the_prediction(name, options, dtype):
    prediction, target = example(name, dtype=dtype)
    loss = LOSSES[name]
    floating = target is not None and target.dtype.kind == "f"
    wide = target.astype(np.float64) if floating else target
    for weight in (None, weights(dtype=np.float64)):
        assert loss(prediction, wide, weight, **options).dtype == dtype
        assert loss.totals(prediction, wide, weight, **options)[0].dtype == dtype
    assert loss.per_sample(prediction, wide, **options).dtype == dtype


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_gives_the_same_through_a_graph(name, options, weighted):
    prediction, target = example(name)
    given = (prediction, target, *([weights()] if weighted else []))
    loss = partial(LOSSES[name], **options)
    result = through_a_graph(loss, *given)
    expected = loss(*given)
    assert result.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), SMOOTH)
@pytest.mark.parametrize("weighted", [False, True])
def test_its_gradient_is_that_of_finite_differences(name, options, weighted):
    prediction, target = example(name, dtype=np.float64)
    weight = weights(dtype=np.float64) if weighted else None

    def of(x):
        return LOSSES[name](x, target, weight, **options)

    direction = np.random.default_rng(2).normal(size=prediction.shape)
    step = 1e-6
    difference = of(prediction + step * direction) - of(prediction - step * direction)
    slope = np.sum(grad(of)(prediction) * direction)
    np.testing.assert_allclose(slope, difference / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_samples_of_weight_zero_have_no_gradient(name, options):
    prediction, target = example(name)
    weight = np.where(np.arange(12) < 9, 1.0, 0.0).astype(np.float32)
    gradient = grad(LOSSES[name])(prediction, target, weight, **options)
    assert np.all(gradient[9:] == 0)
    shorter = grad(LOSSES[name])(prediction[:9], rows(target, slice(9)), **options)
    np.testing.assert_allclose(gradient[:9], shorter, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_mask_removes_samples_whatever_they_hold(name, options, weighted):
    prediction, target = example(name, dtype=np.float64)
    mask = np.arange(12) % 4 != 1
    weight = weights(dtype=np.float64) if weighted else None
    both = value_and_grad(LOSSES[name])
    expected, slope = both(prediction[mask], rows(target, mask), rows(weight, mask), **options)
    if target is not None:
        rubbish = np.nan if target.dtype.kind == "f" else 10**6
        target = np.where(mask.reshape((12, *[1] * (target.ndim - 1))), target, rubbish)
    value, gradient = both(prediction, target, weight, mask=mask, **options)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient[mask], slope, rtol=1e-10, atol=1e-15)
    np.testing.assert_array_equal(gradient[~mask], 0)
    each = LOSSES[name].per_sample(prediction, target, mask=mask, **options)
    np.testing.assert_array_equal(each[~mask], 0)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_mask_of_nothing_is_a_loss_of_zero(name, options):
    prediction, target = example(name)
    nothing = np.zeros(12, bool)
    assert LOSSES[name](prediction, target, mask=nothing, **options) == 0.0
    assert LOSSES[name].totals(prediction, target, mask=nothing, **options)[1] == 0.0


ABSOLUTE = (
    "multi_margin",
    "multi_label_margin",
    "multi_label_soft_margin",
    "dice",
    "generalized_dice",
)
RELATIVE = [
    (name, options) for name, options in CASES if "class_weight" in options and name not in ABSOLUTE
]


@pytest.mark.parametrize(("name", "options"), RELATIVE)
def test_a_class_weight_is_a_weight_of_the_samples_of_the_class(name, options):
    prediction, target = example(name, dtype=np.float64)
    options = {**options, "label_smoothing": 0.0} if "label_smoothing" in options else options
    unweighted = {key: value for key, value in options.items() if key != "class_weight"}
    weight = np.array(options["class_weight"])[np.maximum(target, 0)]
    expected = LOSSES[name](prediction, target, weight, **unweighted)
    np.testing.assert_allclose(LOSSES[name](prediction, target, **options), expected, rtol=1e-12)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_batch_of_another_length_is_refused(name):
    prediction, target = example(name)
    options = EXAMPLES[name].default
    if target is not None:
        with pytest.raises(ShapeError):
            LOSSES[name](prediction, target[:-1], **options)
    with pytest.raises(ShapeError, match="sample_weight has shape"):
        LOSSES[name](prediction, target, np.ones(11), **options)


@pytest.mark.parametrize("name", [name for name, row in EXAMPLES.items() if row.elementwise])
def test_a_column_meets_a_row_of_numbers_without_broadcasting(name):
    prediction, target = example(name)
    prediction, target = prediction[:, :1], target[:, 0]
    expected = LOSSES[name](prediction[:, 0], target)
    assert LOSSES[name](prediction, target) == expected
    assert LOSSES[name](prediction[:, 0], target[:, None]) == expected
    assert LOSSES[name].per_sample(prediction, target).shape == (12,)
    with pytest.raises(ShapeError):
        LOSSES[name](prediction, target[None, :])


@pytest.mark.parametrize("name", [name for name in EXAMPLES if LOSSES[name].inputs])
def test_the_parts_of_a_prediction_come_in_three_ways(name):
    prediction, target = example(name, dtype=np.float64)
    loss, names = LOSSES[name], LOSSES[name].inputs
    if prediction.ndim == 3:
        pieces = [prediction[:, i] for i in range(len(names))]
    elif name == "mixture_density":
        logits, means, scales = np.split(prediction, [3, 9], axis=1)
        pieces = [logits, means.reshape(12, 3, 2), scales.reshape(12, 3, 2)]
    else:
        pieces = np.split(prediction, len(names), axis=1)
    for given in (tuple(pieces), list(pieces), dict(zip(names, pieces, strict=True))):
        np.testing.assert_allclose(loss(given, target), loss(prediction, target), rtol=1e-14)
    with pytest.raises(ShapeError, match=f"needs {len(names)} parts: {names[0]}"):
        loss((*pieces, pieces[0]), target)
    with pytest.raises(ShapeError, match="dict of other"):
        loss({"other": prediction}, target)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_public_and_says_how_it_is_called(name):
    loss = LOSSES[name]
    assert getattr(losses, name) is loss
    assert name in losses.__all__
    assert isinstance(loss, Loss)
    parameters = list(inspect.signature(loss).parameters.values())
    first = ["prediction", "target", "sample_weight", "mask"]
    assert [each.name for each in parameters[:4]] == first
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters[3:])
    assert inspect.getdoc(loss)


def test_weights_per_position():
    prediction, target = np.random.default_rng(1).normal(size=(2, 4, 3))
    weight = np.arange(12.0).reshape(4, 3)
    expected = np.average((prediction - target) ** 2, weights=weight)
    np.testing.assert_allclose(losses.mse(prediction, target, weight), expected, rtol=1e-12)
    sequences = np.random.default_rng(1).normal(size=(4, 3, 5))
    labels = np.arange(12).reshape(4, 3) % 5
    flat = losses.cross_entropy(sequences.reshape(12, 5), labels.ravel(), weight.ravel())
    assert losses.cross_entropy(sequences, labels, weight) == pytest.approx(flat, rel=1e-12)


@losses.loss
def fourth_power(prediction, target, *, scale=1.0):
    """e⁴, times a scale."""
    return scale * (prediction - target) ** 4


def test_a_function_of_the_user_becomes_a_loss():
    prediction, target = example("mse")
    expected = np.mean((prediction - target) ** 4)
    assert fourth_power(prediction, target) == expected
    assert fourth_power(prediction, target, weights(), scale=2.0) > 0
    assert fourth_power.__name__ == "fourth_power"
    assert fourth_power.__doc__ == "e⁴, times a scale."
    assert "fourth_power" not in LOSSES
    assert list(inspect.signature(fourth_power).parameters) == [
        "prediction",
        "target",
        "sample_weight",
        "mask",
        "scale",
    ]
    with pytest.raises(TypeError, match="slope"):
        fourth_power(prediction, target, slope=1.0)


def test_totals_of_anything_that_can_be_a_loss():
    prediction, target = example("mse")

    def plain(prediction, target, power=2):
        return np.mean(np.abs(prediction - target) ** power)

    total, count = losses.totals(partial(plain, power=3), prediction, target)
    assert count == 12
    assert total / count == pytest.approx(plain(prediction, target, 3), rel=1e-6)
    nested = partial(partial(losses.huber, delta=9.0), delta=0.5)
    total, count = losses.totals(nested, prediction, target)
    expected = losses.huber(prediction, target, delta=0.5)
    assert total / count == pytest.approx(expected, rel=1e-6)
    with pytest.raises(TypeMismatchError, match=r"`plain` cannot be weighted.*losses\.loss"):
        losses.totals(plain, prediction, target, weights())


def test_a_loss_is_found_by_its_name():
    assert find_loss("Cross-Entropy") is losses.cross_entropy
    with pytest.raises(UnknownNameError, match="Did you mean `huber`"):
        find_loss("hubber")


def test_a_name_is_declared_once():
    with pytest.raises(InvalidArgumentError, match="`mse` is declared already"):
        declare(losses.mse)
