"""The native backend trains as NumPy does: every entry of every registry, every odd size.

Values are equal to rounding; each comparison is relative to the largest number of its array, since
what is small there is a difference of larger terms.
"""

from functools import partial

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, metrics, nn, optimizers, regularizers, schedules
from gradiente.backends.native import program
from gradiente.backends.native.kernels.lowering import ANCHORS, LOWERINGS
from gradiente.backends.native.memory.layout import LOOKS
from gradiente.base.trees import flatten
from gradiente.ops.operation import OPERATIONS
from gradiente.ops.scan import scan
from tests.losses.examples import EXAMPLES, example

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}  # after a step or two

WIDTHS = (1, 2, 3, 7, 10, 15, 16, 17, 33, 100)
BATCHES = (1, 2, 7, 33)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_can_be_lowered(operation):
    written = operation.formula is not None or operation.body is not None
    written = written or operation is scan  # whose body is a program of its own
    assert written or operation in {*LOWERINGS, *ANCHORS, *LOOKS}


def close(ours, numpys, dtype, factor=1.0):
    """Trees of equal numbers: floating ones to rounding, all others exactly."""
    ours, numpys = flatten(ours)[0], flatten(numpys)[0]
    assert len(ours) == len(numpys) > 0
    for got, expected in zip(map(np.asarray, ours), map(np.asarray, numpys), strict=True):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        if expected.dtype.kind != "f":
            np.testing.assert_array_equal(got, expected)
        elif expected.size:
            size = max(np.max(np.abs(expected), initial=0, where=np.isfinite(expected)), 1e-3)
            tolerance = factor * TOLERANCE[dtype] * size
            np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


def trained(backend, network, loss, x, y, *, optimizer=None, threads=None, **options):
    """All that training, prediction and evaluation give: state, outputs, losses, metrics."""
    optimizer = optimizer or optimizers.SGD(0.1, momentum=0.9)
    fit = {"epochs": 1, "batch_size": len(x), **options.pop("fit", {})}
    trainer = gd.Trainer(network, loss, optimizer, backend=backend, threads=threads, **options)
    history = trainer.fit(x, y, verbose=False, **fit)
    columns = [history[name] for name in history.columns if name not in ("seconds", "epoch")]
    return trainer.state, trainer.predict(x), trainer.evaluate(x, y), columns


def same_training(make, loss, x, y, dtype, **options):
    """A network trains alike on both backends."""
    close(*(trained(name, make(), loss, x, y, **options) for name in ("native", "numpy")), dtype)


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def integers(stop, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, stop, shape)


# -- layers and activations ------------------------------------------------------------------------


def flat(make, shape, use_bias=True):
    """A layer for arrays of a shape, behind a layer with weights, with what makes it (n, 3)."""
    return lambda: nn.Sequential(
        nn.Dense(shape[-1], use_bias=use_bias), make(), nn.tanh, nn.Flatten(), nn.Dense(3)
    ), shape


class Backwards(nn.Module):
    """A decoder that looks at its own input backwards."""

    def __init__(self, decoder):
        self.decoder = decoder

    def __call__(self, x):
        return self.decoder(x, x[:, ::-1])


# Each with what makes its output (n, features).
NETWORKS = {
    "Sequential": (lambda: nn.Sequential(nn.Sequential(nn.Dense(5), nn.tanh), nn.Dense(3)), (7,)),
    "Dense": (lambda: nn.Dense(3), (7,)),
    "Dropout": (lambda: nn.Sequential(nn.Dense(9), nn.Dropout(0.4), nn.Dense(3)), (7,)),
    "BatchNorm": (lambda: nn.Sequential(nn.BatchNorm(), nn.Dense(3)), (7,)),
    "LayerNorm": (lambda: nn.Sequential(nn.LayerNorm(), nn.Dense(3)), (7,)),
    "Embedding": (lambda: nn.Sequential(nn.Embedding(4, 5), nn.Flatten(), nn.Dense(3)), None),
    "Flatten": (lambda: nn.Sequential(nn.Flatten(), nn.Dense(3)), (2, 3, 2)),
    "Convolution": flat(lambda: nn.Convolution(17, 3, strides=2, padding=1), (6, 5, 3)),
    "TransposedConvolution": flat(lambda: nn.TransposedConvolution(5, 3, strides=2), (4, 3)),
    "DepthwiseConvolution": flat(lambda: nn.DepthwiseConvolution(3), (6, 5, 18)),
    "SeparableConvolution": flat(lambda: nn.SeparableConvolution(4, 3), (6, 5, 3)),
    "MaxPool": flat(lambda: nn.MaxPool(3, 2, "same"), (6, 5, 17)),
    "AveragePool": flat(lambda: nn.AveragePool(2), (6, 5, 3)),
    "LPPool": flat(lambda: nn.LPPool(2, 2), (6, 5, 3)),
    "GlobalMaxPool": flat(lambda: nn.GlobalMaxPool(), (6, 5, 3)),
    "GlobalAveragePool": flat(lambda: nn.GlobalAveragePool(), (6, 5, 3)),
    "AdaptiveMaxPool": flat(lambda: nn.AdaptiveMaxPool(3), (7, 5, 2)),
    "AdaptiveAveragePool": flat(lambda: nn.AdaptiveAveragePool((3, 2)), (7, 5, 2)),
    "GroupNorm": flat(lambda: nn.GroupNorm(3), (5, 6)),
    # A bias in front of it would be subtracted with the mean: its gradient is rounding only.
    "InstanceNorm": flat(lambda: nn.InstanceNorm(affine=True), (5, 3), use_bias=False),
    "LocalResponseNorm": flat(lambda: nn.LocalResponseNorm(3, alpha=0.5), (5, 7)),
    "RMSNorm": flat(lambda: nn.RMSNorm(), (7,)),
    "UnitNorm": flat(lambda: nn.UnitNorm(), (7,)),
    "SpectralNorm": flat(lambda: nn.SpectralNorm(nn.Dense(5)), (7,)),
    "WeightNorm": flat(lambda: nn.WeightNorm(nn.Dense(5)), (7,)),
    "AlphaDropout": flat(lambda: nn.AlphaDropout(0.4), (7,)),
    "GaussianDropout": flat(lambda: nn.GaussianDropout(0.4), (7,)),
    "GaussianNoise": flat(lambda: nn.GaussianNoise(0.4), (7,)),
    "SpatialDropout": flat(lambda: nn.SpatialDropout(0.4), (5, 7)),
    "StochasticDepth": flat(lambda: nn.StochasticDepth(0.4), (5, 7)),
    "ActivityRegularization": flat(lambda: nn.ActivityRegularization(regularizers.L2(0.3)), (5, 7)),
    "PReLU": flat(lambda: nn.PReLU(), (6, 17)),
    "RReLU": flat(lambda: nn.RReLU(), (6, 17)),
    "Swish": flat(lambda: nn.Swish(per_feature=True), (6, 17)),
    "Snake": flat(lambda: nn.Snake(), (6, 17)),
    "GumbelSoftmax": flat(lambda: nn.GumbelSoftmax(0.5), (6, 17)),
    "RNN": (lambda: nn.Sequential(nn.RNN(6), nn.Flatten(), nn.Dense(3)), (5, 3)),
    "LSTM": (lambda: nn.Sequential(nn.LSTM(8, layers=2), nn.Flatten(), nn.Dense(3)), (5, 3)),
    "GRU": (
        lambda: nn.Sequential(nn.GRU(5, bidirectional=True, return_sequences=False), nn.Dense(3)),
        (6, 4),
    ),
}
NETWORKS |= {
    # Without positions that turn them, biases of keys have no effect, and gradients of noise.
    "MultiHeadAttention": flat(
        lambda: nn.MultiHeadAttention(
            12,
            6,
            key_value_heads=2,
            dropout=0.3,
            causal=True,
            use_bias=False,
            positions=nn.LinearBiases(),
        ),
        (7, 5),
    ),
    "SinusoidalPositions": flat(lambda: nn.SinusoidalPositions(), (7, 17)),
    "LearnedPositions": flat(lambda: nn.LearnedPositions(9), (7, 5)),
    "RotaryPositions": flat(lambda: nn.RotaryPositions(), (7, 10)),
    "LinearBiases": flat(lambda: nn.LinearBiases(), (3, 5, 6)),
    "TransformerEncoderLayer": flat(
        lambda: nn.TransformerEncoderLayer(
            8, 2, 17, activation=nn.gelu, norm_first=True, positions=nn.RotaryPositions()
        ),
        (9, 8),
    ),
    "TransformerDecoderLayer": flat(
        lambda: Backwards(nn.TransformerDecoderLayer(8, 2, 16, use_bias=False)), (5, 8)
    ),
    "TransformerEncoder": flat(
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 4, 16, causal=True, use_bias=False), 2
        ),
        (5, 8),
    ),
    "TransformerDecoder": flat(
        lambda: Backwards(
            nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, use_bias=False), 2)
        ),
        (5, 8),
    ),
}


def merged(layer):
    """A layer for two arrays, which are those of two other layers."""
    return flat(lambda: nn.Parallel(nn.Dense(7), nn.tanh, merge=layer()), (5, 7))


NETWORKS |= {
    "EmbeddingBag": (
        lambda: nn.Sequential(nn.EmbeddingBag(4, 5, padding_index=1, max_norm=2.0), nn.Dense(3)),
        None,
    ),
    "CategoryEmbedding": (
        lambda: nn.Sequential(
            nn.CategoryEmbedding((2, 4, 3), 5, unknown_rate=0.2), nn.Flatten(), nn.Dense(3)
        ),
        None,
    ),
    "PeriodicEmbedding": flat(lambda: nn.PeriodicEmbedding(5, 7, 0.3), (4,)),
    "PiecewiseLinearEmbedding": flat(
        lambda: nn.PiecewiseLinearEmbedding([[-1, 0, 1], [-0.5, 0.5]]), (2,)
    ),
    "FeatureTokenizer": flat(lambda: nn.FeatureTokenizer(7), (4,)),
    "Residual": flat(lambda: nn.Residual(nn.Dense(7), shortcut=nn.tanh), (5, 7)),
    "Parallel": flat(lambda: nn.Parallel(nn.Dense(5), nn.tanh, merge=nn.Concatenate()), (5, 7)),
    "Highway": flat(lambda: nn.Highway(nn.tanh), (5, 7)),
    "SqueezeExcite": flat(lambda: nn.SqueezeExcite(2), (6, 5, 8)),
    "Add": merged(nn.Add),
    "Subtract": merged(nn.Subtract),
    "Multiply": merged(nn.Multiply),
    "Average": merged(nn.Average),
    "Maximum": merged(nn.Maximum),
    "Minimum": merged(nn.Minimum),
    "Concatenate": merged(lambda: nn.Concatenate(1)),
    "Dot": merged(nn.Dot),
    "Bilinear": merged(lambda: nn.Bilinear(3)),
    "Reshape": flat(lambda: nn.Reshape(7, -1), (5, 7)),
    "Unflatten": flat(lambda: nn.Unflatten((2, 3)), (5, 6)),
    "Permute": flat(lambda: nn.Permute(2, 1), (5, 7)),
    "RepeatVector": flat(lambda: nn.RepeatVector(3), (7,)),
    "Lambda": flat(lambda: nn.Lambda(np.sin), (5, 7)),
    "Pad": flat(lambda: nn.Pad((1, (0, 2)), "circular"), (6, 5, 3)),
    "Crop": flat(lambda: nn.Crop((1, (0, 2))), (6, 5, 3)),
    "Upsample": flat(lambda: nn.Upsample((2, 3), "linear"), (6, 5, 3)),
    "PixelShuffle": flat(lambda: nn.PixelShuffle(2), (3, 2, 8)),
    "PixelUnshuffle": flat(lambda: nn.PixelUnshuffle(2), (4, 6, 3)),
}


@DTYPES
@pytest.mark.parametrize("name", nn.LAYERS)
def test_every_layer(name, dtype):
    """Over batches of which the last is smaller."""
    make, shape = NETWORKS[name]
    x = integers(4, 11, 3) if shape is None else normal(11, *shape, dtype=dtype)
    y = normal(11, 3, dtype=dtype, seed=1)
    precision = np.float32 if shape is None else dtype  # embeddings are
    same_training(make, losses.mse, x, y, precision, fit={"batch_size": 4})


@DTYPES
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_every_activation(name, dtype):
    x, w = normal(7, 19, dtype=dtype), normal(19, 18, dtype=dtype, seed=1)
    activation = nn.ACTIVATIONS[name]

    def loss(w):
        y = activation(x @ w)
        # Compared relative to 1: the terms of the mean may nearly cancel.
        return 1 + np.mean(y * x[:, : y.shape[-1]]), activation(w)

    step = gd.value_and_grad(loss, has_aux=True)
    close(gd.compile(step, "native")(w), gd.compile(step, "numpy")(w), dtype)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_size(width, batch):
    """Products, rows and reductions with all kinds of what is left over."""
    dtype = np.float64 if (width + batch) % 2 else np.float32
    x, y = normal(batch, width, dtype=dtype), normal(batch, width, dtype=dtype, seed=1)
    labels = integers(width, batch)
    w = [normal(width, width, dtype=dtype, seed=2), normal(width, width, dtype=dtype, seed=3)]

    def loss(w, scale):
        hidden = gd.gelu(x @ w[0] * scale + y)
        hidden = (hidden - np.mean(hidden, axis=0)) / (np.std(hidden, axis=0) + 0.1)
        logits = hidden @ w[1]
        picked = np.take_along_axis(gd.log_softmax(logits), labels[:, None], axis=1)
        return np.mean(gd.softmax(logits) * y) - np.mean(picked) + np.sum(np.max(logits, axis=0))

    step = gd.value_and_grad(loss, argnums=(0, 1))
    results = [gd.compile(step, backend)(w, y[0] + 1) for backend in ("native", "numpy")]
    close(*results, dtype, factor=30)


# -- losses, metrics, optimizers, schedules --------------------------------------------------------


class Shaped(nn.Module):
    """A dense layer whose outputs have the shape and the sign that a loss asks for."""

    def __init__(self, row):
        self.row, self.dense = row, nn.Dense(int(np.prod(row.shape)))

    def __call__(self, x):
        return self.row.suits(self.dense(x)).reshape((x.shape[0], *self.row.shape))


@DTYPES
@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_loss(name, dtype):
    row, (_, y) = EXAMPLES[name], example(name, 13, dtype)
    y = np.zeros(13) if y is None else y
    loss = partial(losses.LOSSES[name], **row.default)
    weight = np.random.default_rng(1).uniform(0, 2, 13).astype(dtype)
    for given in (None, weight):
        fit = {"sample_weight": given}
        x = normal(13, 6, dtype=dtype)
        optimizer = optimizers.SGD(0.01)
        same_training(lambda: Shaped(row), loss, x, y, dtype, fit=fit, optimizer=optimizer)


ARGUMENTS = {"top_k_accuracy": (2,), "confusion_matrix": (4,)}
TWO_CLASSES = ("precision", "recall", "f1", "binary_accuracy", "auc")
NUMBERS = ("mse", "rmse", "mae", "r2")


@DTYPES
@pytest.mark.parametrize("task", ["numbers", "two classes", "classes"])
def test_every_metric(task, dtype):
    def fits(name):
        known = {**dict.fromkeys(NUMBERS, "numbers"), **dict.fromkeys(TWO_CLASSES, "two classes")}
        return known.get(name, "classes") == task

    entries = {name: entry for name, entry in metrics.METRICS.items() if fits(name)}
    chosen = [
        entry(*ARGUMENTS[name]) if name in ARGUMENTS else entry for name, entry in entries.items()
    ]
    loss, classes = {
        "numbers": (losses.mse, 3),
        "two classes": (losses.binary_cross_entropy, 1),
        "classes": (losses.cross_entropy, 4),
    }[task]
    y = {"numbers": normal(31, 3, dtype=dtype), "two classes": integers(2, 31)}
    y = y.get(task, integers(4, 31))
    x = normal(31, 5, dtype=dtype, seed=2)
    same_training(lambda: nn.Dense(classes), loss, x, y, dtype, metrics=chosen)


OPTIMIZERS = {
    **{name: factory() for name, factory in optimizers.OPTIMIZERS.items()},
    "nesterov": optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam with amsgrad": optimizers.Adam(amsgrad=True, weight_decay=0.1),
    "rmsprop centered": optimizers.RMSprop(centered=True, momentum=0.9, weight_decay=0.1),
    "radam after its start": optimizers.RAdam(betas=(0.5, 0.9)),
    "sign with momentum": optimizers.SignSGD(momentum=0.9, weight_decay=0.1),
    "ftrl sparse": optimizers.FTRL(0.1, l1=0.1, l2=0.1, beta=1.0),
    "asgd with averages": optimizers.ASGD(0.1, start=2),
    "sophia": optimizers.Sophia(0.01, every=2),
    "sam": optimizers.sam(optimizers.SGD(0.1, momentum=0.9)),
    "adaptive sam": optimizers.sam(optimizers.AdamW(0.1), 0.5, adaptive=True),
    "lookahead": optimizers.lookahead(optimizers.Adam(0.1), steps=2),
    "ema": optimizers.exponential_moving_average(optimizers.SGD(0.1), 0.5),
    "swa": optimizers.stochastic_weight_averaging(optimizers.SGD(0.1), 1, 2),
    "skip": optimizers.skip_non_finite(optimizers.AdamW()),
    "adaptive clip": optimizers.chain(optimizers.adaptive_clip(), optimizers.SGD()),
    "clipped": optimizers.chain(optimizers.clip_by_global_norm(0.1), optimizers.AdamW()),
    "clips": optimizers.chain(
        optimizers.clip_by_norm(0.1), optimizers.clip_by_value(0.01), optimizers.SGD()
    ),
    "groups": optimizers.groups({"*bias": optimizers.freeze(), "*": optimizers.SGD(momentum=0.5)}),
    **{
        f"schedule {name}": optimizers.SGD(schedule)
        for name, schedule in {
            "constant": schedules.constant(0.1),
            "step": schedules.step(0.1, every=2),
            "exponential": schedules.exponential(0.1, 0.9, every=2, minimum=0.05),
            "linear": schedules.linear(0.1, steps=20),
            "cosine": schedules.cosine(0.1, steps=20, warmup_steps=2, final=0.01),
            "one_cycle": schedules.one_cycle(0.1, steps=20),
            "warmup": schedules.warmup(schedules.linear(0.1, steps=10), steps=2),
            "reduce_on_plateau": schedules.reduce_on_plateau(0.1, patience=1),
            "adaptive": schedules.adaptive(0.1),
            "multi_step": schedules.multi_step(0.1, at=[2, 5]),
            "piecewise_constant": schedules.piecewise_constant(0.1, {2: 0.02, 5: 0.05}),
            "piecewise_interpolate": schedules.piecewise_interpolate(0.02, {3: 0.1}, "cosine"),
            "inverse_time": schedules.inverse_time(0.1, 0.5, every=2, staircase=True),
            "inv_scaling": schedules.inv_scaling(0.1, 0.6),
            "power": schedules.power(0.1, 1.5, every=5),
            "polynomial": schedules.polynomial(0.1, steps=4, power=2.0, final=0.01, cycle=True),
            "inverse_square_root": schedules.inverse_square_root(0.1, warmup_steps=3),
            "noam": schedules.noam(0.1, model_size=4, warmup_steps=3),
            "cosine_restarts": schedules.cosine_restarts(0.1, 3, 2.0, 0.8, 0.01),
            "sgdr": schedules.sgdr([0.1, 0.05], [4, 5], warmup_steps=2),
            "cyclic": schedules.cyclic(0.1, 0.01, up=3, down=2, mode="triangular2"),
            "swa_constant": schedules.swa_constant(schedules.step(0.1, 3), 5, 0.03),
            "warmup_stable_decay": schedules.warmup_stable_decay(0.1, 9, 2, 3),
        }.items()
    },
}


def test_every_optimizer_and_schedule_is_tried():
    assert set(optimizers.OPTIMIZERS) | {f"schedule {s}" for s in schedules.SCHEDULES} <= set(
        OPTIMIZERS
    )


@DTYPES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_and_schedule(name, dtype):
    x, y = normal(12, 5, dtype=dtype), normal(12, 9, dtype=dtype, seed=1)
    options = {"optimizer": OPTIMIZERS[name], "fit": {"epochs": 3, "batch_size": 4}}
    same_training(lambda: nn.Dense(9), losses.mse, x, y, dtype, **options)


# -- threads ---------------------------------------------------------------------------------------

THREADED = {
    "dropout": lambda: nn.Sequential(nn.Dense(33), nn.relu, nn.Dropout(0.5), nn.Dense(3)),
    "batch norm": lambda: nn.Sequential(nn.Dense(17), nn.BatchNorm(), nn.gelu, nn.Dense(3)),
    "layer norm": lambda: nn.Sequential(nn.Dense(100), nn.LayerNorm(), nn.silu, nn.Dense(3)),
    "embedding": lambda: nn.Sequential(nn.Embedding(5, 8), nn.Flatten(), nn.Dense(3)),
    "transformer": lambda: nn.Sequential(
        nn.Embedding(5, 8),
        nn.TransformerEncoderLayer(8, 2, 33, causal=True, key_value_heads=1, use_bias=False),
        nn.Flatten(),
        nn.Dense(3),
    ),
    "one unit": lambda: nn.Sequential(nn.Dense(1), nn.tanh, nn.Dense(3)),
    "packed": lambda: nn.Sequential(nn.Dense(530), nn.relu, nn.Dense(530), nn.tanh, nn.Dense(3)),
}


@pytest.mark.parametrize("divided", ["as it pays", "everything"])
@pytest.mark.parametrize("name", THREADED)
def test_the_bits_do_not_depend_on_the_number_of_threads(name, divided, monkeypatch):
    """Also if even the smallest kernel is divided, into more parts than it has rows."""
    if divided == "everything":
        monkeypatch.setattr(program, "SHARED_KERNEL", 0.0)
    x = integers(5, 78, 3) if name in ("embedding", "transformer") else normal(78, 9)
    if name == "packed":
        x = normal(78, 530)
    y = integers(3, 78)
    options = {
        "optimizer": optimizers.Adam(0.01),
        "fit": {"batch_size": 39},
        "clip_norm": 0.1,
        "metrics": [metrics.accuracy],
    }
    one, *others = (
        flatten(
            trained("native", THREADED[name](), losses.cross_entropy, x, y, threads=n, **options)
        )[0]
        for n in (1, 2, 3, 7)
    )
    for other in others:
        for ours, expected in zip(other, one, strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("rows", [1, 2, 5, 40])
def test_functions_give_the_same_bits_with_any_number_of_threads(rows, monkeypatch):
    monkeypatch.setattr(program, "SHARED_KERNEL", 0.0)
    a, b = normal(rows, 300), normal(300, 1030, seed=1)  # a packed product, in two blocks of depth
    indices = integers(3, 200)

    def function(a, b):
        c = a @ b
        chosen = gd.scatter_add(np.zeros((3, 300), np.float32), indices, np.ones((200, 1)) * a[0])
        return c, gd.softmax(c), np.sum(c, axis=0), np.cumsum(c, axis=1), np.sort(c, axis=1), chosen

    one, *others = (gd.compile(function, "native", threads=n)(a, b) for n in (1, 2, 3, 7))
    for other in others:
        for ours, expected in zip(other, one, strict=True):
            np.testing.assert_array_equal(ours, expected)
    close(one, function(a, b), np.float32)
