"""Between the network and the state: preparing, adopting, publishing; several threads."""

import threading

import numpy as np
import pytest

from gradiente import losses, nn, optimizers
from gradiente.base.errors import GradienteError
from gradiente.train.learner import Learner
from gradiente.train.step import Recipe
from gradiente.train.trainer import Trainer

X = np.random.default_rng(61).normal(size=(30, 3)).astype(np.float32)
Y = np.arange(30) % 2


def learner():
    net = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(2))
    return Learner(Recipe(net, losses.cross_entropy, optimizers.SGD(0.1), [], 0, 1), "numpy")


def test_the_network_gets_copies():
    one = learner()
    one.prepare(X)
    state = one.adopt()
    state["parameters"]["0.bias"][:] = 5
    assert one.recipe.network[0].bias[0] == 0
    one.publish()
    assert one.recipe.network[0].bias[0] == 5
    state["parameters"]["0.bias"][:] = 6
    assert one.recipe.network[0].bias[0] == 5


def test_a_snapshot_shares_nothing_with_the_state():
    """Which a backend may change in place."""
    one = learner()
    one.prepare(X)
    state = one.adopt()
    snapshot = one.snapshot()
    state["parameters"]["0.bias"][:] = 5
    assert snapshot["parameters"]["0.bias"][0] == 0


def test_weights_are_the_networks_outside_a_fit_and_the_states_inside():
    one = learner()
    one.prepare(X)
    one.adopt()
    net = one.recipe.network
    assert one.weights()["parameters"]["0.bias"] is net[0].bias
    with one.fitting():
        assert one.weights()["parameters"]["0.bias"] is one.state["parameters"]["0.bias"]
        with pytest.raises(GradienteError, match="cannot be nested"), one.fitting():
            pass
    assert one.weights()["parameters"]["0.bias"] is net[0].bias


def test_a_fit_that_fails_leaves_the_way_free_for_the_next():
    one = learner()
    one.prepare(X)
    with pytest.raises(ZeroDivisionError), one.fitting():
        raise ZeroDivisionError
    with one.fitting():
        pass


def test_prepare_compiles_anew_only_if_a_setting_changed():
    one = learner()
    one.prepare(X)
    first = one.compiled
    one.recipe.network.load_state({p: v + 1 for p, v in one.recipe.network.state().items()})
    one.prepare(X)
    assert one.compiled is first
    one.recipe.network[1].momentum = 0.5
    one.prepare(X)
    assert one.compiled is not first


def test_threads_may_share_a_trainer_for_predicting():
    """The first calls trace the network, in which symbols stand meanwhile."""
    trainer = Trainer(
        nn.Sequential(nn.Dense(16), nn.BatchNorm(), nn.Dense(2)), losses.cross_entropy
    )
    trainer.fit(X, Y, epochs=1)
    expected = trainer.network(X)
    failures = []

    def work(size):
        try:
            for _ in range(5):
                found = trainer.predict(X, batch_size=size)
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
                trainer.evaluate(X, Y, batch_size=size)
        except BaseException as error:  # reported below, in the thread that can fail the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(size,)) for size in (3, 7, 11, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
