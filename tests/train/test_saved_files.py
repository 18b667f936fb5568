"""One file brings back a trainer, or a network, without the program that built it."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import constraints, losses, metrics, nn, optimizers, regularizers
from gradiente.base.errors import InvalidArgumentError, RunError
from tests.train.test_checkpoint import assert_same_state, without_time

RANDOM = np.random.default_rng(54)
X = RANDOM.normal(size=(45, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
FIT = {"batch_size": 10, "verbose": False}


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.gelu, nn.Dropout(0.3), nn.Dense(2))


def trainer(**options):
    return gd.Trainer(
        network(),
        losses.cross_entropy,
        optimizers.AdamW(0.01),
        metrics=[metrics.accuracy],
        clip_norm=1.0,
        regularizers={"*.weight": regularizers.L2(1e-3)},
        constraints={"*.weight": constraints.MaxNorm(3.0)},
        seed=3,
        **options,
    )


def test_a_trainer_comes_back_whole_and_continues_bit_for_bit(tmp_path):
    whole, first = trainer(accumulate=2), trainer(accumulate=2)
    whole.fit(X, Y, epochs=4, **FIT)
    first.fit(X, Y, epochs=2, **FIT)
    gd.save(first, tmp_path / "run")
    again = gd.load(tmp_path / "run")
    assert repr(again) == repr(first)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))
    assert again.evaluate(X, Y) == first.evaluate(X, Y)
    again.fit(X, Y, epochs=2, **FIT)
    assert_same_state(again.state, whole.state)
    assert without_time(again.history) == without_time(whole.history)


def test_a_part_of_your_own_must_be_given(tmp_path):
    def own(prediction, target):
        return np.mean((prediction[:, 0] - target) ** 2)

    first = gd.Trainer(network(), own)
    first.fit(X, Y, epochs=1, **FIT)
    gd.save(first, tmp_path / "run")
    with pytest.raises(RunError, match="saved with own, which a file cannot hold: give loss="):
        gd.load(tmp_path / "run")
    again = gd.load(tmp_path / "run", loss=own)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_what_is_given_counts(tmp_path):
    first = trainer()
    first.fit(X, Y, epochs=1, **FIT)
    gd.save(first, tmp_path / "run")
    again = gd.load(tmp_path / "run", metrics=[], optimizer=optimizers.AdamW(0.5), clip_norm=1.0)
    assert list(again.evaluate(X, Y)) == ["loss"] and again.learning_rate == 0.5
    given = network()
    assert gd.load(tmp_path / "run", given).network is given


def test_a_network_alone(tmp_path):
    net = network().initialize(X)
    net.freeze("0.*")
    gd.save(net, tmp_path / "net")
    again = gd.load(tmp_path / "net")
    np.testing.assert_array_equal(again(X), net(X))
    assert list(again.parameters(trainable=False)) == ["0.weight", "0.bias"]
    with pytest.raises(RunError, match="is not an intact checkpoint"):
        gd.Trainer.load(tmp_path / "net", network(), loss=losses.cross_entropy)
    with pytest.raises(RunError, match=r"does not fit this network: .*has no"):
        gd.load(tmp_path / "net", nn.Sequential(nn.Dense(8)))
    gd.Trainer(again, losses.cross_entropy).fit(X, Y, epochs=1, **FIT)


def test_nothing_else_is_saved(tmp_path):
    with pytest.raises(InvalidArgumentError, match="save takes a Trainer or a network, not 3"):
        gd.save(3, tmp_path / "run")
