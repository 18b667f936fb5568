"""The conditions of a run: training, keys, paths, what was called."""

import numpy as np

import gradiente as gd
from gradiente import nn

X = np.ones((2, 3), np.float32)


def test_networks_called_by_themselves_are_not_training():
    assert not nn.is_training()
    with nn.running(nn.Context(training=True)):
        assert nn.is_training()
        with nn.running(nn.Context()):
            assert not nn.is_training()
        assert nn.is_training()
    assert not nn.is_training()


def test_keys_are_numbered_by_draw():
    with nn.running(nn.Context(key=gd.random.key(5))):
        first, second = nn.next_key(), nn.next_key()
    with nn.running(nn.Context(key=gd.random.key(5))):
        again = nn.next_key()
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


def test_calls_are_recorded_by_path_when_asked_for():
    net = nn.Sequential(nn.Dense(4), nn.relu, nn.Sequential(nn.Dense(5)))
    context = nn.Context(calls=[])
    with nn.running(context):
        y = net(X)
    assert [path for path, _, _ in context.calls] == ["0", "2.0", "2", ""]
    assert context.calls[-1][1] is net
    assert context.calls[-1][2] is y


def test_each_outermost_network_has_paths_of_its_own():
    first, second = nn.Sequential(nn.Dense(3)), nn.Sequential(nn.relu, nn.Dense(3))
    context = nn.Context(seed=2)
    with nn.running(context):
        second(first(X))
    np.testing.assert_array_equal(
        first[0].weight, nn.Sequential(nn.Dense(3)).initialize(X, seed=2)[0].weight
    )
    assert [name for _, name, _ in context.created] == ["weight", "bias"] * 2
    assert context.root is None
