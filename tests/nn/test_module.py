"""Modules: what they consist of by path, sharing, freezing, loading, first use, symbols."""

import copy
import threading

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import (
    GradienteError,
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)
from gradiente.initializers.distributions import normal
from gradiente.trace.functions import Tensor

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


class Net(nn.Module):
    """The example of the documentation: no super().__init__()."""

    def __init__(self):
        self.hidden, self.out = nn.Dense(5), nn.Dense(2)

    def __call__(self, x):
        return self.out(nn.relu(self.hidden(x)))


class Everything(nn.Module):
    """Arrays and modules in all the places where they may be."""

    def __init__(self):
        self.scale = np.ones(3)
        self.steps = np.zeros(2, int)
        self.mask = np.array([True, False])
        self.layers = [nn.Dense(2), nn.relu, [nn.Dense(3)]]
        self.heads = {"mean": nn.Dense(1), "more": {"spread": nn.Dense(1)}}
        self.pair = (nn.Dense(1), nn.Dense(1))
        self.weights = [np.ones(2), {"inner": np.ones(1)}]
        self.mixed = [nn.Dense(1), np.ones(4)]
        self.name, self.size, self.nothing = "name", 3, None
        self._private = np.ones(7)
        self._teacher = nn.Dense(9)


def test_parameters_are_named_by_path():
    net = Net().initialize(X)
    assert {path: value.shape for path, value in net.parameters().items()} == {
        "hidden.weight": (4, 5),
        "hidden.bias": (5,),
        "out.weight": (5, 2),
        "out.bias": (2,),
    }
    assert net.parameters()["out.bias"] is net.out.bias
    assert net.count == 4 * 5 + 5 + 5 * 2 + 2


def test_modules_and_arrays_are_found_everywhere_but_in_private_attributes():
    net = Everything()
    assert list(net.modules()) == [
        "",
        "layers.0",
        "layers.2.0",
        "heads.mean",
        "heads.more.spread",
        "pair.0",
        "pair.1",
        "mixed.0",
    ]
    assert list(net.parameters()) == ["scale", "weights.0", "weights.1.inner", "mixed.1"]
    assert list(net.buffers()) == ["steps", "mask"]
    assert set(net.state()) == {*net.parameters(), *net.buffers()}


def test_arrays_in_a_tuple_are_refused():
    net = Net()
    net.pair = (np.ones(2), np.ones(3))
    with pytest.raises(TypeMismatchError, match=r"`pair` is a tuple of arrays.*make it a list"):
        net.parameters()


def test_arrays_of_text_are_neither_parameters_nor_buffers():
    net = Net().initialize(X)
    net.names = np.array(["a", "b"])
    assert list(net.state()) == list(net.parameters())


def test_two_arrays_of_one_path_are_refused():
    net = Net()
    net.table = {"a.b": np.ones(1), "a": {"b": np.ones(2)}}
    with pytest.raises(InvalidArgumentError, match=r"two arrays have the path `table\.a\.b`"):
        net.state()


# -- sharing -------------------------------------------------------------------------------------


class Tied(nn.Module):
    """One layer in two places, and one array in two places."""

    def __init__(self):
        self.first = nn.Dense(4)
        self.again = self.first
        self.table = np.full((4, 4), 0.5, np.float32)
        self.tables = [self.table]

    def __call__(self, x):
        return self.again(self.first(x)) @ self.table @ self.tables[0]


def test_what_is_shared_has_one_value():
    net = Tied().initialize(X)
    assert list(net.parameters()) == ["table", "first.weight", "first.bias"]
    assert net.count == 16 + 16 + 4
    net.load_state({path: value * 2 for path, value in net.state().items()})
    assert net.table is net.tables[0]
    assert net.table[0, 0] == 1.0


def test_what_is_shared_has_one_gradient_the_sum_of_its_uses():
    x = X.astype(np.float64)
    net = Tied().initialize(x)
    net.table = net.tables[0] = np.full((4, 4), 0.5)
    gradients = gd.grad(lambda net: np.sum(net(x)))(net)
    assert gradients.table is gradients.tables[0]

    def apart(w1, w2, t1, t2):
        hidden = (x @ w1 + net.first.bias) @ w2 + net.first.bias
        return np.sum(hidden @ t1 @ t2)

    w, t = net.first.weight, net.table
    parts = gd.grad(apart, argnums=(0, 1, 2, 3))(w, w, t, t)
    np.testing.assert_allclose(gradients.first.weight, parts[0] + parts[1], rtol=1e-12)
    np.testing.assert_allclose(gradients.table, parts[2] + parts[3], rtol=1e-12)


def test_what_is_shared_has_one_place_in_the_optimizer():
    from gradiente import optimizers

    net = Tied().initialize(X)
    state = optimizers.Adam(1e-3).init(net)
    assert list(state["slots"]) == ["table", "first.weight", "first.bias"]


def test_what_is_shared_stays_so_in_copies():
    net = Tied().initialize(X)
    for twin in (copy.deepcopy(net), gd.grad(lambda net: np.sum(net(X)))(net)):
        assert twin.first is twin.again
        assert twin.table is twin.tables[0]
        assert twin.first is not net.first


# -- freezing ------------------------------------------------------------------------------------


def test_freeze_by_pattern():
    net = Net().initialize(X)
    assert net.freeze("hidden.*") is net
    assert list(net.parameters(trainable=True)) == ["out.weight", "out.bias"]
    assert list(net.parameters(trainable=False)) == ["hidden.weight", "hidden.bias"]
    assert len(net.parameters()) == 4
    net.freeze("*.bias")
    assert list(net.parameters(trainable=True)) == ["out.weight"]
    net.unfreeze("hidden.weight", "out.bias")
    assert list(net.parameters(trainable=True)) == ["hidden.weight", "out.weight", "out.bias"]
    assert list(net.unfreeze().parameters(trainable=False)) == []


def test_freeze_a_whole_part_by_its_path():
    net = Net().initialize(X)
    net.freeze("hidden")
    assert list(net.parameters(trainable=True)) == ["out.weight", "out.bias"]
    net.hidden.unfreeze()
    assert len(net.parameters(trainable=True)) == 4


def test_freeze_everything_before_first_use_holds_for_what_is_created_later():
    net = Net()
    net.hidden.freeze()
    net.initialize(X)
    assert list(net.parameters(trainable=True)) == ["out.weight", "out.bias"]
    net.unfreeze("hidden.bias")
    assert list(net.parameters(trainable=False)) == ["hidden.weight"]


def test_freeze_arrays_in_lists_and_dicts():
    net = Everything()
    net.freeze("weights.1.*")
    assert list(net.parameters(trainable=False)) == ["weights.1.inner"]
    net.freeze()
    assert list(net.parameters(trainable=True)) == []


def test_a_pattern_that_matches_nothing_is_an_error():
    net = Net()
    with pytest.raises(InvalidArgumentError, match=r"none yet, call `network.initialize\(x\)`"):
        net.freeze("hidden.*")
    net.initialize(X)
    with pytest.raises(InvalidArgumentError, match=r"no parameter matches `hiden`.*hidden\.weight"):
        net.freeze("out", "hiden")
    assert len(net.parameters(trainable=True)) == 4  # nothing was done


# -- first use -----------------------------------------------------------------------------------


def test_first_values_depend_on_seed_and_path_only():
    first, second, other = Net(), Net(), Net()
    first.initialize(X, seed=3)
    second.out.initialize(np.zeros((1, 5), np.float32), seed=8)  # as the outermost: another path
    second.out.weight = second.out.bias = None
    second.initialize(X[:1], seed=3)
    other.initialize(X, seed=4)
    for path, value in first.state().items():
        np.testing.assert_array_equal(second.state()[path], value)
    assert (other.hidden.weight != first.hidden.weight).any()
    square = nn.Sequential(nn.Dense(4), nn.Dense(4)).initialize(X)
    assert (square[0].weight != square[1].weight).any()


def test_the_first_call_creates_as_initialize_with_seed_zero():
    called, initialized = Net(), Net().initialize(X)
    called(X)
    np.testing.assert_array_equal(called.hidden.weight, initialized.hidden.weight)


def test_the_data_type_follows_the_first_input():
    assert Net().initialize(X).hidden.weight.dtype == np.float32
    assert Net().initialize(X.astype(np.float64)).hidden.weight.dtype == np.float64
    assert Net().initialize(np.zeros((1, 4), np.uint8)).hidden.weight.dtype == np.float32


def test_given_and_inferred_input_sizes_agree():
    given, inferred = nn.Dense(3, inputs=4), nn.Dense(3)
    np.testing.assert_array_equal(given(X), inferred(X))


def test_initialize_creates_what_only_training_uses():
    class WithHelper(nn.Module):
        def __init__(self):
            self.main, self.helper = nn.Dense(2), nn.Dense(2)

        def __call__(self, x):
            y = self.main(x)
            return y + self.helper(x) if nn.is_training() else y

    net = WithHelper().initialize(X)
    assert {"main.weight", "helper.weight"} <= set(net.parameters())


def test_layers_made_during_the_first_call_are_found():
    class Late(nn.Module):
        def __init__(self):
            self.layers = []

        def __call__(self, x):
            if not self.layers:
                self.layers.append(nn.Dense(x.shape[-1]))
            return self.layers[0](x)

    assert list(Late().initialize(X).parameters()) == ["layers.0.weight", "layers.0.bias"]


def test_a_layer_that_nobody_would_find_is_refused():
    hidden = nn.Dense(3)
    for call in (lambda x: hidden(x), lambda x: nn.Dense(3)(x)):
        with pytest.raises(GradienteError) as caught:
            nn.Sequential(nn.relu, call)(X)
        message = str(caught.value)
        assert "this Dense is used inside Sequential but is not part of it" in message
        assert "test_module.py" in message

    class Private(nn.Module):
        def __init__(self):
            self._hidden = nn.Dense(3)

        def __call__(self, x):
            return self._hidden(x)

    with pytest.raises(GradienteError, match="begins with `_`"):
        Private()(X)


def test_a_layer_without_parameters_may_be_made_on_the_fly():
    class OnTheFly(nn.Module):
        def __call__(self, x):
            return nn.Flatten()(x)

    assert OnTheFly()(np.zeros((2, 3, 4))).shape == (2, 12)


def test_a_trained_network_may_be_used_inside_another_as_a_constant():
    teacher = Net().initialize(X)
    student = nn.Sequential(lambda x: teacher(x), nn.Dense(1)).initialize(X)
    assert list(student.parameters()) == ["1.weight", "1.bias"]


def test_a_parameter_asked_for_outside_a_call_is_refused():
    class Early(nn.Module):
        def __init__(self):
            self.parameter("weight", (3,), normal)

    with pytest.raises(GradienteError, match="`weight` of Early is created while the network runs"):
        Early()


def test_parameters_and_buffers_of_own_layers():
    class Count(nn.Module):
        def __call__(self, x):
            seen = self.buffer("seen", np.zeros((), np.float32))
            self.seen = seen + 1.0
            return x * self.parameter("scale", (x.shape[-1],), normal)

    layer = Count().initialize(X)
    assert list(layer.parameters()) == ["scale"]
    assert list(layer.buffers()) == ["seen"]
    assert layer.seen == 0.0 and type(layer.seen) is np.ndarray
    layer(X)
    assert layer.seen == 1.0
    with pytest.raises(ShapeError, match=r"`scale` of Count has shape \(4,\)"):
        layer(X[:, :2])


def test_a_module_without_call_says_so():
    class Nothing(nn.Module):
        pass

    class Torch(nn.Module):
        def forward(self, x):
            return x

    with pytest.raises(GradienteError, match=r"Nothing does not define `__call__`\.$"):
        Nothing()(X)
    with pytest.raises(GradienteError, match="rename its `forward`"):
        Torch()(X)


# -- loading -------------------------------------------------------------------------------------


def test_weights_of_a_network_load_into_one_that_never_ran():
    net = nn.Sequential(nn.Dense(5), nn.BatchNorm())
    with nn.running(nn.Context(training=True, key=gd.random.key(0))):
        net(X)
    fresh = nn.Sequential(nn.Dense(5), nn.BatchNorm())
    fresh.load_state(net.state())
    assert list(fresh.buffers()) == ["1.running_mean", "1.running_variance"]
    assert fresh.count == net.count
    np.testing.assert_array_equal(fresh(X), net(X))
    net[0].weight[:] = 0
    assert fresh[0].weight.any()  # copies


def test_loading_is_all_or_nothing():
    net = Net().initialize(X)
    before = {path: value.copy() for path, value in net.state().items()}
    good = {path: value + 1 for path, value in before.items()}
    bad = [
        (UnknownNameError, r"the state lacks out\.bias", {k: good[k] for k in list(good)[:3]}),
        (UnknownNameError, r"the network has no `extra`", {**good, "extra": np.ones(1)}),
        (UnknownNameError, r"no `hidden\.units`", {**good, "hidden.units": np.ones(1)}),
        (
            ShapeError,
            r"`out\.bias` has shape \(2,\) in the network, but \(3,\)",
            {**good, "out.bias": np.ones(3)},
        ),
        (
            TypeMismatchError,
            r"`out\.bias` has type float32 in the network, but int64",
            {**good, "out.bias": np.ones(2, int)},
        ),
    ]
    for error, text, state in bad:
        with pytest.raises(error, match=text):
            net.load_state(state)
        for path, value in net.state().items():
            np.testing.assert_array_equal(value, before[path])


def test_loading_into_a_network_that_never_ran_names_what_it_lacks():
    with pytest.raises(UnknownNameError, match=r"no `first\.weight`; it has: nothing yet"):
        Net().load_state({"first.weight": np.ones((4, 5))})


def test_loaded_weights_of_another_size_are_noticed_on_first_use():
    net = nn.Sequential(nn.Dense(5))
    net.load_state({"0.weight": np.ones((4, 3)), "0.bias": np.ones(3)})
    with pytest.raises(ShapeError, match=r"\(4, 3\), but this input needs \(4, 5\).*loaded"):
        net(X)


# -- symbols never stay --------------------------------------------------------------------------


class Careless(nn.Module):
    """Keeps intermediate results wherever it can, and fails when asked to."""

    def __init__(self):
        self.layer, self.norm = nn.Dense(3), nn.BatchNorm()
        self.last, self.seen, self.table, self.fails = None, [], {}, False

    def __call__(self, x):
        h = self.norm(self.layer(x))
        self.last, self.seen = h, [*self.seen, h]
        self.table["h"] = h
        self._cache = (h, 1)
        if self.fails:
            raise RuntimeError("as asked")
        return h


def holds_symbols(net):
    values = [v for module in net.modules().values() for v in module.__dict__.values()]
    return any(
        isinstance(each, Tensor)
        for value in values
        for each in (
            value
            if isinstance(value, list | tuple)
            else value.values()
            if isinstance(value, dict)
            else [value]
        )
    )


def test_no_symbols_stay_in_attributes():
    net = Careless().initialize(X)
    assert not holds_symbols(net)
    assert list(net.state()) == [
        "layer.weight",
        "layer.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_variance",
    ]
    assert (net.last, net.seen, net.table) == (None, [], {})


@pytest.mark.parametrize("training", [False, True])
def test_symbols_do_not_stay_after_an_error_either(training):
    net = Careless().initialize(X)
    before = dict(net.state())
    net.fails = True
    with pytest.raises(RuntimeError, match="as asked"):
        net.rehearse(X, context=nn.Context(training=training))
    assert not holds_symbols(net)
    assert all(net.state()[path] is value for path, value in before.items())
    assert list(net.state()) == list(before)


def test_values_are_put_back_after_a_run_on_others():
    net = Net().initialize(X)
    before = dict(net.state())
    others = {path: np.zeros_like(value) for path, value in before.items()}
    with net.on_symbols(nn.Context(), others) as slots:
        assert [slot.path for slot in slots] == list(before)
        np.testing.assert_array_equal(net(X), np.zeros((6, 2)))
    assert all(net.state()[path] is value for path, value in before.items())


def test_threads_take_turns_at_tracing():
    """Symbols stand in the attributes of a network meanwhile."""
    net = nn.Sequential(nn.Dense(8), nn.BatchNorm()).initialize(X)
    before, done = dict(net.state()), threading.Event()

    def trace():
        net.rehearse(X, context=nn.Context(training=True))
        done.set()

    other = threading.Thread(target=trace)
    with net.on_symbols(nn.Context(), {"0.bias": "a symbol"}):
        other.start()
        assert not done.wait(0.1)
        assert net[0].bias == "a symbol"
    assert done.wait(10)
    other.join()
    assert all(net.state()[path] is value for path, value in before.items())


def test_threads_run_in_contexts_of_their_own():
    seen = {}

    def other():
        seen["other"] = nn.is_training()

    with nn.running(nn.Context(training=True)):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        seen["own"] = nn.is_training()
    assert seen == {"other": False, "own": True}


# -- showing -------------------------------------------------------------------------------------


def test_repr_shows_layers_wherever_they_are():
    assert repr(Net()) == "Net(hidden=Dense(5), out=Dense(2))"
    shown = repr(Everything())
    assert "layers=[Dense(2), relu, [Dense(3)]]" in shown
    assert "heads={mean: Dense(1), more: {spread: Dense(1)}}" in shown
    assert "scale" not in shown and "name" not in shown


def test_repr_of_a_network_that_refers_to_itself():
    net, part = Net(), Net()
    net.part, part.parent = part, net
    assert repr(net).startswith("Net(hidden=Dense(5), out=Dense(2), part=Net(")
    assert repr(net).endswith("parent=...))")
    assert list(net.modules()) == ["", "hidden", "out", "part", "part.hidden", "part.out"]


def test_deepcopy_is_independent():
    net = Net().initialize(X)
    twin = copy.deepcopy(net)
    twin.hidden.weight[:] = 0
    assert net.hidden.weight.any()
    twin.freeze()
    assert net.parameters(trainable=True)
