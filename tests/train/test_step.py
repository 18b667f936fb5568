"""The traced step against the same arithmetic written out by hand, in float64."""

import functools

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import (
    DataError,
    GradienteError,
    InvalidArgumentError,
    NotDifferentiableError,
    ShapeError,
)
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(21)
X, Y = RANDOM.normal(size=(23, 3)), RANDOM.normal(size=(23, 2))
WEIGHT = RANDOM.uniform(0, 2, 23)
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def network():
    return nn.Sequential(nn.Dense(5), nn.tanh, nn.Dense(2))


def by_hand(weights, batches, rate=0.1, clip=np.inf):
    """Forward, backward and SGD for a mean squared error, by the chain rule on paper."""
    w1, b1, w2, b2 = (np.array(weights[p]) for p in ("0.weight", "0.bias", "2.weight", "2.bias"))
    values = []
    for x, y, weight in batches:
        hidden = np.tanh(x @ w1 + b1)
        error = hidden @ w2 + b2 - y
        share = (weight / weight.sum())[:, np.newaxis] / y.shape[1]
        values.append(np.sum(share * error**2))
        toward_output = 2 * share * error
        toward_hidden = toward_output @ w2.T * (1 - hidden**2)
        gradients = [
            x.T @ toward_hidden,
            toward_hidden.sum(axis=0),
            hidden.T @ toward_output,
            toward_output.sum(axis=0),
        ]
        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
        scale = min(1.0, clip / norm)
        w1, b1, w2, b2 = (
            p - rate * scale * g for p, g in zip((w1, b1, w2, b2), gradients, strict=True)
        )
    return {"0.weight": w1, "0.bias": b1, "2.weight": w2, "2.bias": b2}, values


def pieces(size, weight=None):
    weight = np.ones(len(X)) if weight is None else weight
    return [
        (X[start : start + size], Y[start : start + size], weight[start : start + size])
        for start in range(0, len(X), size)
    ]


def assert_same(weights, expected):
    assert set(weights) == set(expected)
    for path, value in expected.items():
        np.testing.assert_allclose(weights[path], value, err_msg=path, **EXACT)
        assert weights[path].dtype == np.float64


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("size", [23, 8, 5, 1])
def test_an_epoch_is_the_loop_written_by_hand(size, weight):
    """The last batch is partial: nothing is dropped, and it counts for what it has."""
    trainer = Trainer(network(), loss=losses.mse, optimizer=optimizers.SGD(0.1))
    trainer.network.initialize(X)
    start = trainer.weights()
    history = trainer.fit(X, Y, epochs=1, batch_size=size, shuffle=False, sample_weight=weight)
    expected, values = by_hand(start, pieces(size, weight))
    assert_same(trainer.weights(), expected)
    totals = [part[2].sum() for part in pieces(size, weight)]
    np.testing.assert_allclose(history["loss"][0], np.average(values, weights=totals), **EXACT)


def test_the_epoch_loss_is_the_mean_over_all_samples():
    """With a rate of zero the weights stay, so that it must equal the loss on everything."""
    trainer = Trainer(network(), loss=losses.mse, optimizer=optimizers.SGD(0.0))
    loss = trainer.fit(X, Y, epochs=1, batch_size=7, verbose=False)["loss"][0]
    np.testing.assert_allclose(loss, np.mean((trainer.predict(X) - Y) ** 2), **EXACT)
    loss = trainer.fit(X, Y, epochs=1, batch_size=7, sample_weight=WEIGHT)["loss"][-1]
    each = np.mean((trainer.predict(X) - Y) ** 2, axis=1)
    np.testing.assert_allclose(loss, np.average(each, weights=WEIGHT), **EXACT)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(("accumulate", "size"), [(2, 4), (3, 5), (4, 2), (10, 23), (23, 1)])
def test_accumulated_batches_are_one_large_batch(accumulate, size, weight):
    """Those left over at the end of the epoch make an update of their own."""
    options = {"epochs": 3, "shuffle": False, "sample_weight": weight}
    parts = Trainer(network(), losses.mse, optimizers.SGD(0.1), accumulate=accumulate)
    parts.fit(X, Y, batch_size=size, **options)
    whole = Trainer(network(), losses.mse, optimizers.SGD(0.1))
    whole.fit(X, Y, batch_size=accumulate * size, **options)
    assert_same(parts.weights(), whole.weights())
    assert int(parts.state["optimizer"]["step"]) == int(whole.state["optimizer"]["step"])


def test_accumulation_is_exact_where_the_loss_weights_its_elements():
    """Ignored and weighted classes make batches count differently."""
    y = RANDOM.integers(0, 2, 23)
    y[RANDOM.random(23) < 0.4] = -1
    loss = functools.partial(losses.cross_entropy, class_weight=[0.2, 1.0], ignore_index=-1)
    options = {"epochs": 2, "shuffle": False, "sample_weight": WEIGHT}
    parts = Trainer(network(), loss, optimizers.SGD(0.1), accumulate=3)
    parts.fit(X, y, batch_size=4, **options)
    whole = Trainer(network(), loss, optimizers.SGD(0.1))
    whole.fit(X, y, batch_size=12, **options)
    assert_same(parts.weights(), whole.weights())
    values = [whole.evaluate(X, y, WEIGHT, batch_size=size)["loss"] for size in (1, 4, 23)]
    np.testing.assert_allclose(values, values[0], **EXACT)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_batches_without_any_weight_move_nothing_and_count_nothing(accumulate):
    weight = np.zeros(23)
    weight[20:] = 1.0
    trainer = Trainer(network(), losses.mse, optimizers.SGD(0.1), accumulate=accumulate)
    trainer.network.initialize(X)
    start = trainer.weights()
    options = {"shuffle": False, "sample_weight": weight, "verbose": True}
    history = trainer.fit(X, Y, epochs=1, batch_size=5, **options)
    expected, values = by_hand(start, [(X[20:], Y[20:], np.ones(3))])
    assert_same(trainer.weights(), expected)
    np.testing.assert_allclose(history["loss"], values, **EXACT)


def test_clip_norm_shortens_the_gradient_of_all_parameters():
    trainer = Trainer(network(), losses.mse, optimizers.SGD(0.1), clip_norm=0.3)
    trainer.network.initialize(X)
    start = trainer.weights()
    trainer.fit(X, Y, epochs=1, batch_size=6, shuffle=False)
    expected, _ = by_hand(start, pieces(6), clip=0.3)
    assert_same(trainer.weights(), expected)
    free, _ = by_hand(start, pieces(6))
    assert np.abs(free["0.weight"] - expected["0.weight"]).max() > 1e-3  # it did clip


def test_clipping_comes_after_accumulation():
    parts = Trainer(network(), losses.mse, optimizers.SGD(0.1), clip_norm=0.3, accumulate=4)
    parts.fit(X, Y, epochs=2, batch_size=3, shuffle=False)
    whole = Trainer(network(), losses.mse, optimizers.SGD(0.1), clip_norm=0.3)
    whole.fit(X, Y, epochs=2, batch_size=12, shuffle=False)
    assert_same(parts.weights(), whole.weights())


# -- losses of all kinds -------------------------------------------------------------------------


def trained(loss, x=X, y=Y, net=None, **options):
    trainer = Trainer(net or network(), loss, optimizers.SGD(0.1))
    trainer.fit(x, y, **{"epochs": 2, "batch_size": 8, **options})
    return trainer


def test_any_function_of_prediction_and_target_is_a_loss():
    ours = trained(losses.mse)
    theirs = trained(lambda prediction, target: np.mean((prediction - target) ** 2))
    assert_same(theirs.weights(), ours.weights())
    np.testing.assert_allclose(theirs.history["loss"], ours.history["loss"], **EXACT)


def test_a_function_that_takes_sample_weight_is_weighted():
    def squared(prediction, target, sample_weight=None):
        each = np.mean((prediction - target) ** 2, axis=1)
        return np.sum(each * sample_weight) / np.sum(sample_weight)

    ours = trained(losses.mse, sample_weight=WEIGHT)
    theirs = trained(squared, sample_weight=WEIGHT)
    assert_same(theirs.weights(), ours.weights())
    np.testing.assert_allclose(theirs.history["loss"], ours.history["loss"], **EXACT)


def test_a_function_that_takes_none_is_refused_with_weights():
    def plain(prediction, target):
        return np.mean((prediction - target) ** 2)

    with pytest.raises(DataError, match="the loss `plain` takes no sample_weight="):
        trained(plain, sample_weight=WEIGHT)


def test_a_decorated_function_and_a_partial_are_weighted_too():
    decorated = losses.loss(lambda prediction, target: np.abs(prediction - target))
    assert_same(
        trained(decorated, sample_weight=WEIGHT).weights(),
        trained(losses.mae, sample_weight=WEIGHT).weights(),
    )
    half = functools.partial(losses.huber, delta=0.5)
    trainer = trained(half, sample_weight=WEIGHT)
    np.testing.assert_allclose(
        trainer.evaluate(X, Y, WEIGHT)["loss"],
        losses.huber(trainer.predict(X), Y, WEIGHT, delta=0.5),
        **EXACT,
    )


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (lambda p, t: p[:, 0] - t[:, 0], r"returned an array of shape \(8,\)"),
        (lambda p, t: None, "returned NoneType"),
        (lambda p, t: 1, "returned int"),
        (lambda p, t: "a", "returned str"),
    ],
)
def test_what_is_no_loss_is_named(result, text):
    result.__name__ = "strange"
    with pytest.raises(NotDifferentiableError, match=f"the loss `strange` {text}, but a loss is"):
        trained(result)


def test_targets_of_another_floating_type_do_not_change_that_of_the_network():
    trainer = trained(losses.mse, x=X.astype(np.float32))
    assert {value.dtype for value in trainer.weights().values()} == {np.dtype(np.float32)}
    assert trainer.predict(X.astype(np.float32)).dtype == np.float32


# -- several inputs, several outputs -------------------------------------------------------------


class TwoInputs(nn.Module):
    def __init__(self):
        self.left, self.right, self.out = nn.Dense(4), nn.Dense(4), nn.Dense(2)

    def __call__(self, x):
        left, right = (x["left"], x["right"]) if isinstance(x, dict) else x
        return self.out(nn.tanh(self.left(left) + self.right(right)))


@pytest.mark.parametrize("kind", [tuple, dict])
def test_several_inputs(kind):
    parts = (X[:, :2], X[:, 2:])
    x = parts if kind is tuple else {"left": parts[0], "right": parts[1]}
    trainer = trained(losses.mse, x=x, net=TwoInputs(), epochs=5, validation=(x, Y))
    assert trainer.history["loss"][-1] < trainer.history["loss"][0]
    assert trainer.predict(x).shape == (23, 2)
    np.testing.assert_allclose(
        trainer.evaluate(x, Y)["loss"], trainer.history["validation_loss"][-1], **EXACT
    )


class TwoOutputs(nn.Module):
    def __init__(self):
        self.body, self.mean, self.sign = nn.Dense(6), nn.Dense(1), nn.Dense(2)

    def __call__(self, x):
        h = nn.tanh(self.body(x))
        return {"mean": self.mean(h), "sign": self.sign(h)}


def test_several_outputs_with_a_loss_of_their_own():
    y = {"mean": Y[:, 0], "sign": (Y[:, 0] > 0).astype(int)}

    def both(prediction, target):
        return losses.mse(prediction["mean"], target["mean"]) + losses.cross_entropy(
            prediction["sign"], target["sign"]
        )

    trainer = trained(both, y=y, net=TwoOutputs(), epochs=5, validation=0.2)
    assert trainer.history["loss"][-1] < trainer.history["loss"][0]
    prediction = trainer.predict(X, batch_size=5)
    assert {name: value.shape for name, value in prediction.items()} == {
        "mean": (23, 1),
        "sign": (23, 2),
    }
    np.testing.assert_allclose(trainer.evaluate(X, y)["loss"], both(prediction, y), rtol=1e-10)


def test_losses_and_metrics_of_the_library_take_one_output():
    with pytest.raises(
        InvalidArgumentError, match=r"the loss `mse` compares one array .* dict of 2"
    ):
        trained(losses.mse, net=TwoOutputs())
    with pytest.raises(InvalidArgumentError, match="but the target is a tuple of 2"):
        trained(losses.mse, y=(Y, Y))
    trainer = Trainer(TwoOutputs(), lambda p, t: np.mean(p["mean"]), metrics=[metrics.mse])
    with pytest.raises(InvalidArgumentError, match="the metric `mse` compares one array"):
        trainer.fit(X, Y)


# -- what the network does -----------------------------------------------------------------------


def test_dropout_drops_in_training_only_and_anew_in_every_step():
    net = nn.Sequential(nn.Dropout(0.5), nn.Dense(1, use_bias=False))
    trainer = Trainer(net, losses.mse, optimizers.SGD(0.0))
    x, y = np.ones((64, 1)), np.zeros(64)
    history = trainer.fit(x, y, epochs=3, batch_size=16, validation=(x, y))
    assert len(set(history["loss"])) == 3
    assert len(set(history["validation_loss"])) == 1
    square = float(net[1].weight[0, 0] ** 2)
    np.testing.assert_allclose(history["validation_loss"][0], square, rtol=1e-12)
    # Kept with probability 1/2 and doubled: the mean square of the input is 2.
    np.testing.assert_allclose(np.mean(history["loss"]), 2 * square, rtol=0.2)


def test_batch_norm_learns_statistics_in_training_and_uses_them_elsewhere():
    net = nn.Sequential(nn.BatchNorm(momentum=0.5), nn.Dense(2))
    trainer = Trainer(net, losses.mse, optimizers.SGD(0.0))
    trainer.fit(X, Y, epochs=1, batch_size=12, shuffle=False)
    mean = 0.5 * (0.5 * X[:12].mean(axis=0)) + 0.5 * X[12:].mean(axis=0)
    np.testing.assert_allclose(net[0].running_mean, mean, **EXACT)
    before = dict(trainer.weights())
    trainer.evaluate(X, Y)
    trainer.predict(X)
    assert all((value == before[path]).all() for path, value in trainer.weights().items())


def test_buffers_of_float32_stay_float32_with_float64_inputs():
    net = nn.Sequential(nn.BatchNorm(), nn.Dense(2)).initialize(X.astype(np.float32))
    trainer = Trainer(net, losses.mse)
    trainer.fit(X, Y, epochs=2)
    assert {value.dtype for value in trainer.weights().values()} == {np.dtype(np.float32)}


def test_buffers_of_own_layers_keep_their_type_too():
    class Mean(nn.Module):
        def __init__(self):
            self.dense, self.mean = nn.Dense(2), np.zeros(3, np.float32)
            self.seen = np.zeros(1, np.int8)

        def __call__(self, x):
            mean = self.buffer("mean", np.zeros(3, np.float32))
            self.mean = 0.5 * mean + 0.5 * np.mean(x, axis=0)
            self.seen = self.seen + np.ones(1, np.int64)
            return self.dense(x)

    trainer = trained(losses.mse, net=Mean(), batch_size=23)
    assert trainer.network.mean.dtype == np.float32
    np.testing.assert_allclose(trainer.network.mean, 0.75 * X.mean(axis=0), rtol=1e-6)
    assert trainer.network.seen.dtype == np.int8 and trainer.network.seen == 2
    assert trainer._learner.compiled.update.variants == 1


def test_a_buffer_set_to_another_shape_is_an_error():
    class Growing(nn.Module):
        def __init__(self):
            self.dense = nn.Dense(2)

        def __call__(self, x):
            self.buffer("memory", np.zeros(2))
            self.memory = np.zeros(3)
            return self.dense(x)

    with pytest.raises(
        ShapeError, match=r"buffer `memory` has shape \(2,\), but was set to an arr"
    ):
        trained(losses.mse, net=Growing())


def test_a_parameter_that_appears_too_late_is_an_error():
    class Late(nn.Module):
        def __init__(self):
            self.main, self.late = nn.Dense(2), nn.Dense(2)

        def __call__(self, x):
            return self.main(x) + (self.late(x) if x.shape[0] < 8 else 0.0)

    with pytest.raises(GradienteError, match="`weight` of Dense is created only for some inputs"):
        trained(losses.mse, net=Late())


def test_an_output_without_one_row_per_sample_is_an_error():
    with pytest.raises(
        ShapeError, match=r"returned an array of shape \(1,\) for x of shape \(8,\)"
    ):
        trained(losses.mse, x=X[:, 0], y=Y[:, 0], net=nn.Sequential(nn.Dense(1)))
    with pytest.raises(ShapeError, match="the network returned an array"):
        trained(lambda p, t: p, net=nn.Sequential(nn.Dense(1), np.mean))
