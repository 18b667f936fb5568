"""The last, smaller batch of an epoch runs on the program of the others, with the same result."""

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.trees import flatten
from gradiente.trace.functions import m
from gradiente.train.inputs import samples
from gradiente.train.trainer import Trainer

DRAWN = np.random.default_rng(8)
COUNT = 80
X, TABLE = DRAWN.normal(size=(COUNT, 6)), DRAWN.integers(0, 5, (COUNT, 6))
IMAGES = DRAWN.normal(size=(COUNT, 6, 4, 2))
CLASSES, NUMBERS = DRAWN.integers(0, 3, COUNT), DRAWN.normal(size=(COUNT, 2))
WEIGHT = DRAWN.uniform(0.1, 2, COUNT)
SUMS = [metrics.accuracy, metrics.f1_macro]
SGD = optimizers.SGD(0.1, momentum=0.9)
CLIPPED = optimizers.chain(optimizers.clip_by_global_norm(0.05), SGD)


def classifier(*between):
    return lambda: nn.Sequential(nn.Dense(7), *between, nn.relu, nn.Dense(3))


class Padded(nn.Module):
    """A transformer that does not look at vectors whose first number is below -1."""

    def __init__(self, layer):
        self.layer, self.out = layer, nn.Dense(5)

    def __call__(self, x):
        return self.out(self.layer(x, key_mask=x[..., 0] > -1))


# name: network, loss, x, y, weight, optimizer, accumulate, metrics
CASES = {
    "classes": (classifier(), losses.cross_entropy, X, CLASSES, None, SGD, 1, SUMS),
    "weights": (classifier(), losses.cross_entropy, X, CLASSES, WEIGHT, CLIPPED, 1, SUMS),
    "regression": (
        lambda: nn.Sequential(nn.Dense(7), nn.tanh, nn.Dense(2)),
        *(losses.mse, X, NUMBERS, None, SGD, 1, [metrics.r2]),
    ),
    "batch norm": (
        classifier(nn.BatchNorm()),
        *(losses.cross_entropy, X, CLASSES, None, SGD, 1, []),
    ),
    "layer norm": (
        classifier(nn.LayerNorm()),
        *(losses.cross_entropy, X, CLASSES, None, CLIPPED, 2, SUMS),
    ),
    "dropout": (
        lambda: nn.Sequential(nn.Dense(7), nn.Dropout(0.4), nn.relu, nn.Dropout(0.2), nn.Dense(3)),
        *(losses.cross_entropy, X, CLASSES, WEIGHT, SGD, 2, []),
    ),
    "convolution": (
        lambda: nn.Sequential(
            *(nn.Convolution(4, 3, padding=1), nn.relu, nn.MaxPool(2), nn.Flatten(), nn.Dense(3))
        ),
        *(losses.cross_entropy, IMAGES, CLASSES, None, SGD, 1, SUMS),
    ),
    "embedding": (
        lambda: nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Dense(3)),
        *(losses.cross_entropy, TABLE, CLASSES, None, SGD, 1, SUMS),
    ),
    "text": (
        lambda: nn.Sequential(
            nn.Embedding(5, 4),
            nn.LearnedPositions(6),
            nn.TransformerEncoderLayer(4, 2, 9, norm_first=True, causal=True, use_bias=False),
            nn.Dense(5),
        ),
        *(losses.cross_entropy, TABLE, TABLE[:, ::-1], None, SGD, 1, SUMS),
    ),
    "padded text": (
        lambda: Padded(nn.TransformerEncoderLayer(6, 3, 9, positions=nn.RotaryPositions())),
        *(losses.cross_entropy, DRAWN.normal(size=(COUNT, 5, 6)), TABLE[:, :5], None, SGD, 1, []),
    ),
}


def prepared(case, backend, dtype, size):
    """The learner of a trainer before its first batch, and its data."""
    network, loss, x, y, weight, optimizer, accumulate, measured = CASES[case]
    trainer = Trainer(
        *(network(), loss, optimizer),
        metrics=measured,
        seed=4,
        backend=backend,
        accumulate=accumulate,
    )
    x, y = (a.astype(dtype) if a.dtype.kind == "f" else a for a in (x, y))
    data = samples(x, y, weight)
    learner = trainer._learner
    learner.begin_epoch(data.first(size))
    return learner, data


@pytest.mark.usefixtures("every_improvement")
@pytest.mark.parametrize(
    ("size", "dtype"), [(8, np.float64), (32, np.float32)], ids=["8 float64", "32 float32"]
)
@pytest.mark.parametrize("case", CASES)
def test_a_step_on_fewer_rows_is_the_step_of_its_own(case, size, dtype):
    (native, data), (reference, _) = (prepared(case, b, dtype, size) for b in ("native", "numpy"))
    begun, data = reference.state, data.first(COUNT - 1).as_tuple()  # so that there is a rest
    step, own = native.compiled.update, reference.compiled.update
    wide = dtype == np.float64 and case not in ("embedding", "text")  # tables are of float32
    exact = {"rtol": 1e-12, "atol": 1e-14} if wide else {"rtol": 1e-5, "atol": 2e-6}
    for rows in (size, 1, 2, 5, size - 1):
        order = DRAWN.permutation(COUNT - 1)[:rows].reshape(1, rows)
        got, structure = flatten(step.run(begun, data, order, whole=size))
        expected, same = flatten(own.run(begun, data, order))
        assert structure == same
        for ours, theirs in zip(got, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, strict=True, **exact)
    assert step.variants == 1


@pytest.mark.usefixtures("every_improvement")
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_fit_is_that_of_the_reference_and_compiles_once(accumulate):
    fits = {}
    for backend in ("native", "numpy"):
        trainer = Trainer(
            classifier(nn.BatchNorm(), nn.Dropout(0.2))(),
            losses.cross_entropy,
            optimizers.Adam(1e-3),
            metrics=SUMS,
            seed=1,
            backend=backend,
            accumulate=accumulate,
        )
        options = {"epochs": 3, "batch_size": 32, "verbose": False}
        fits[backend] = trainer.fit(X, CLASSES, **options)
        update = trainer._learner.compiled.update
        assert update.variants == (1 if backend == "native" else 2)
    ours, theirs = fits["native"], fits["numpy"]
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4)
    assert ours.compilations.compiled + ours.compilations.from_cache == accumulate
    assert ours.compilations.variants == accumulate


class Among(nn.Module):
    """A network whose rows depend on each other in some way."""

    def __init__(self, how):
        self.how, self.dense = how, nn.Dense(2)

    def __call__(self, x):
        return self.dense(x) + self.how(x)


@pytest.mark.parametrize(
    "how",
    [
        lambda x: np.sort(x, axis=0)[:, :2],
        lambda x: m.cumsum(x, axis=0)[:, :2],
        lambda x: x[::-1, :2],
        lambda x: np.concatenate([x[1:, :2], x[:1, :2]]),
    ],
    ids=["sorted", "running sums", "reversed", "moved on"],
)
def test_networks_that_look_at_other_rows_are_compiled_for_both_sizes(how):
    weights = []
    for backend in ("native", "numpy"):
        trainer = Trainer(Among(how), losses.mse, SGD, seed=2, backend=backend)
        history = trainer.fit(X[:20], NUMBERS[:20], epochs=2, batch_size=8, verbose=False)
        assert history.compilations.variants == 2
        weights.append(trainer.weights())
    for path, value in weights[1].items():
        np.testing.assert_allclose(weights[0][path], value, rtol=1e-11)
