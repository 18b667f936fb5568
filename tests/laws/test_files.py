"""What holds for every entry of a registry: a file describes it as data, and rebuilds it."""

import copy
import functools
import json

import numpy as np
import pytest

import gradiente as gd
from gradiente import (
    constraints,
    initializers,
    losses,
    metrics,
    nn,
    optimizers,
    regularizers,
    schedules,
)
from gradiente.base.errors import RunError
from gradiente.train.description import described, rebuilt
from gradiente.train.words import FACTORIES
from tests.laws.test_layers import EXAMPLES, arguments, called, made

WRAPPED = {"TransformerDecoder", "TransformerDecoderLayer"}  # their examples are subclasses


@pytest.mark.parametrize("name", sorted(set(nn.LAYERS) - WRAPPED))
def test_every_layer_is_rebuilt_from_its_file(name, tmp_path):
    layer, x = made(name)
    if layer.parameters():
        layer.freeze("*")
    gd.save(layer, tmp_path / "layer")
    again = gd.load(tmp_path / "layer")
    assert type(again) is type(layer) and again is not layer
    assert repr(again) == repr(layer)
    assert list(again.state()) == list(layer.state())
    assert list(again.buffers()) == list(layer.buffers())
    assert list(again.parameters(trainable=False)) == list(layer.parameters(trainable=False))
    np.testing.assert_array_equal(called(again, x), called(layer, x))


@pytest.mark.parametrize("name", sorted(set(nn.LAYERS) - WRAPPED))
def test_every_layer_is_rebuilt_before_it_is_used(name):
    words = json.loads(json.dumps(described(EXAMPLES[name].make())))
    assert "unknown" not in words
    x = EXAMPLES[name].x
    first = EXAMPLES[name].make().initialize(*arguments(name, x), seed=4)
    again = rebuilt(words, "network", "file").initialize(*arguments(name, x), seed=4)
    for path, value in first.state().items():
        np.testing.assert_array_equal(again.state()[path], value)


def test_a_decoder_is_rebuilt():
    layer = nn.TransformerDecoderLayer(4, 2, 7, activation=nn.gelu)
    words = described(nn.TransformerDecoder(layer, 2, nn.LayerNorm()))
    assert repr(rebuilt(words, "network", "file")).startswith("TransformerDecoder")


@pytest.mark.parametrize("name", sorted(nn.ACTIVATIONS))
def test_every_activation_has_a_word(name):
    words = described(nn.Sequential(nn.Dense(2), nn.ACTIVATIONS[name]))
    assert rebuilt(words, "network", "file").layers[1] is nn.ACTIVATIONS[name]


MADE = [
    *(OPTIMIZER(0.1) for OPTIMIZER in (optimizers.Adam, optimizers.SGD, optimizers.Lion)),
    optimizers.chain(optimizers.clip_by_global_norm(1.0), optimizers.AdamW(1e-3)),
    optimizers.groups({"0.*": optimizers.freeze(), "*": optimizers.SGD(0.1, momentum=0.9)}),
    optimizers.chain(optimizers.Adam(0.1), optimizers.freeze("a", "b")),
    optimizers.exponential_moving_average(optimizers.AMSGrad(0.01), 0.99),
    optimizers.lookahead(optimizers.SGD(0.1)),
    optimizers.sam(optimizers.SGD(0.1)),
    optimizers.skip_non_finite(optimizers.SGD(0.1)),
    optimizers.LBFGS(weight_decay=0.1),
    optimizers.Adam(schedules.warmup(schedules.cosine(0.05, 30), 5)),
    optimizers.SGD(schedules.ReduceOnPlateau(0.2, patience=3)),
    optimizers.SGD(float("1e-30"), momentum=0.5),
    losses.huber,
    functools.partial(losses.huber, delta=0.3),
    [metrics.accuracy, metrics.auc],
    {"*.weight": regularizers.L2(0.1)},
    {"*.weight": constraints.MaxNorm(3.0)},
    initializers.he_normal,
    initializers.he_normal(negative_slope=0.1),
    np.tanh,
    gd.tanh,
    np.float32(0.1),
    (1, [2.5, float("inf"), None], {"a": np.arange(6).reshape(2, 3)}),
]


@pytest.mark.parametrize("thing", MADE, ids=lambda thing: type(thing).__name__)
def test_what_a_trainer_is_made_of_has_words(thing):
    words = json.loads(json.dumps(described(thing)))
    assert not (isinstance(words, dict) and "unknown" in words), words
    assert repr(rebuilt(words, "part", "file")) == repr(thing) or callable(thing)
    assert described(rebuilt(words, "part", "file")) == words


@pytest.mark.parametrize("name", sorted(FACTORIES["optimizer"]))
def test_every_optimizer_has_words(name):
    factory = FACTORIES["optimizer"][name]
    for given in ((), (0.1,), (optimizers.SGD(0.1),), (0.1, 0.2), ({"*": optimizers.SGD(0.1)},)):
        try:
            optimizer = factory(*given)
        except Exception:
            continue
        if isinstance(optimizer, optimizers.Optimizer):
            assert "unknown" not in described(optimizer)
            return
    pytest.fail(f"no arguments for {name}")


@pytest.mark.parametrize("name", sorted(losses.LOSSES))
def test_every_loss_has_a_word(name):
    assert rebuilt(described(losses.LOSSES[name]), "loss", "file") is losses.LOSSES[name]


# -- what has no words ---------------------------------------------------------------------------


class Own(nn.Module):
    def __init__(self):
        self.dense = nn.Dense(2)

    def __call__(self, x):
        return self.dense(x)


class OwnDense(nn.Dense):
    pass


def changed(network, **settings):
    for name, value in settings.items():
        setattr(network, name, value)
    return network


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (lambda: nn.Sequential(Own(), nn.relu), "Own, a layer of your own"),
        (lambda: OwnDense(3), "OwnDense, a layer of your own"),
        (lambda: nn.Sequential(nn.Dense(2), lambda x: x + 1), "<lambda>"),
        (lambda: changed(nn.Dropout(0.5), rate=0.4), "Dropout, changed after it was made"),
        (lambda: changed(nn.Sequential(nn.relu), head=nn.Dense(3)), "Sequential, changed"),
    ],
)
def test_a_network_of_your_own_must_be_given(network, named, tmp_path):
    x = np.ones((2, 3), np.float32)
    first = network().initialize(x)
    gd.save(first, tmp_path / "net")
    with pytest.raises(RunError, match=f"saved with {named}.*give network="):
        gd.load(tmp_path / "net")
    again = gd.load(tmp_path / "net", network())
    np.testing.assert_array_equal(again(x), first(x))


def test_layers_that_are_shared_stay_shared(tmp_path):
    shared = nn.Dense(3, inputs=3)
    net = nn.Sequential(shared, nn.relu, nn.Residual(shared), shared)
    net.initialize(np.ones((1, 3), np.float32))
    gd.save(net, tmp_path / "net")
    again = gd.load(tmp_path / "net")
    assert again[0] is again[3] and again.count == net.count == 12


def test_copies_are_described_as_well(tmp_path):
    net = nn.Sequential(nn.Dense(3), nn.relu).initialize(np.ones((1, 3), np.float32))
    gd.save(copy.deepcopy(net), tmp_path / "net")
    assert repr(gd.load(tmp_path / "net")) == repr(net)


@pytest.mark.parametrize(
    "words",
    [
        {"layer": "os.system", "arguments": ["true"], "options": {}},
        {"layer": "Dense", "arguments": [], "options": {}},
        {"layer": "Dense", "arguments": [3], "options": {"nonsense": 1}},
        {"activation": "eval"},
        {"numpy": "load"},
        {"numpy": "fromfile"},
        {"thing": "Dense"},
        {"__class__": "Dense"},
        {"same": 0},
        {"same": "x"},
        {"partial": {"activation": "relu"}, "arguments": [], "options": {"x": {"numpy": "save"}}},
        {"array": "O", "shape": [1], "values": [1]},
        {"layer": "LSTM", "arguments": [2], "options": {"layers": 10**9}},
        {"layer": "TransformerEncoder", "arguments": [None, 10**9], "options": {}},
        {},
        {"layer": []},
    ],
)
def test_words_that_name_anything_else_are_refused(words):
    with pytest.raises(RunError, match="does not describe its network rightly"):
        rebuilt(words, "network", "file")
