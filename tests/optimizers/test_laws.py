"""What holds for every optimizer: types, structure, composition, purity."""

import inspect
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradiente import optimizers
from gradiente.backends.compile import compile
from gradiente.base import trees
from gradiente.base.errors import ShapeError, TreeError, TypeMismatchError
from gradiente.optimizers import OPTIMIZERS, SGD, Adam, AdamW, apply_updates, per_parameter

VARIANTS = {
    **{name: factory() for name, factory in OPTIMIZERS.items()},
    "sgd with velocity": SGD(momentum=0.9, dampening=0.1, weight_decay=0.1),
    "sgd with schedule": SGD(lambda step: 0.1 * 0.5**step, momentum=0.9, nesterov=True),
    "adam with amsgrad": Adam(amsgrad=True, weight_decay=0.1),
    "rmsprop centered": optimizers.RMSprop(centered=True, momentum=0.9, weight_decay=0.1),
    "nadamw": optimizers.NAdamW(weight_decay=0.1, momentum_decay=0.1),
    "radam decoupled": optimizers.RAdam(
        betas=(0.5, 0.8), weight_decay=0.1, decoupled_weight_decay=True
    ),
    "adaptive with decay": optimizers.AdaBelief(weight_decay=0.1),
    "adafactor with decay": optimizers.Adafactor(weight_decay=0.1, epsilon=1e-3),
    "sign with momentum": optimizers.SignSGD(momentum=0.9, weight_decay=0.1),
    "lamb with decay": optimizers.LAMB(weight_decay=0.1),
    "lars with decay": optimizers.LARS(weight_decay=0.1, epsilon=1e-8),
    "novograd with decay": optimizers.NovoGrad(weight_decay=0.1),
    "ftrl": optimizers.FTRL(l1=0.1, l2=0.1, beta=1.0),
    "muon": optimizers.Muon(nesterov=False, scale="match_adamw"),
    "asgd": optimizers.ASGD(start=1, weight_decay=0.1),
    "adagrad with decay": optimizers.Adagrad(learning_rate_decay=0.1),
    "clip and AdamW": optimizers.chain(optimizers.clip_by_global_norm(0.1), AdamW()),
    "clips": optimizers.chain(optimizers.clip_by_norm(0.1), optimizers.clip_by_value(0.01), SGD()),
    "decay": optimizers.chain(optimizers.add_weight_decay(0.1, "layers.0.*"), SGD()),
    "schedule-free": optimizers.ScheduleFreeSGD(
        lambda step: 0.1 * np.minimum(step, 2), weight_decay=0.1
    ),
    "schedule-free with decay": optimizers.ScheduleFreeAdamW(weight_decay=0.1),
    "prodigy with decay": optimizers.Prodigy(weight_decay=0.1, growth=2.0),
    "l-bfgs": optimizers.LBFGS(0.5, history=2, weight_decay=0.1, only="layers.*"),
    "sophia with decay": optimizers.Sophia(weight_decay=0.1),
    "sam": optimizers.sam(SGD(0.1, momentum=0.9), adaptive=True),
    "lookahead": optimizers.lookahead(Adam(0.1), steps=2),
    "ema": optimizers.exponential_moving_average(SGD(0.1), 0.5),
    "swa": optimizers.stochastic_weight_averaging(SGD(0.1), 1, 2),
    "skip": optimizers.skip_non_finite(AdamW()),
    "adaptive clip": optimizers.chain(optimizers.adaptive_clip(), SGD()),
    "groups": optimizers.groups({"*.bias": optimizers.freeze(), "*": SGD(momentum=0.5)}),
}


def parameters(dtype=np.float32, seed=0):
    random = np.random.default_rng(seed)
    shapes = {"layers.0.weight": (3, 4), "layers.0.bias": (4,), "scale": (), "none.bias": (0, 2)}
    return {name: np.asarray(random.normal(size=shape), dtype) for name, shape in shapes.items()}


def types(tree):
    structure = trees.flatten(tree)[1]
    return structure, [(leaf.shape, leaf.dtype) for leaf in trees.leaves_of(tree)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", VARIANTS)
def test_types_and_structure_do_not_change(name, dtype):
    optimizer, start = VARIANTS[name], parameters(dtype)
    state = optimizer.init(start)
    moved, following = start, state
    for seed in (1, 2):
        updates, following = optimizer.update(parameters(dtype, seed), following, moved)
        assert types(updates) == types(start)
        moved = apply_updates(moved, updates)
    assert types(moved) == types(start)
    assert types(following) == types(state)
    assert all(np.all(np.isfinite(leaf)) for leaf in trees.leaves_of((moved, following)))
    assert following["step"] == 2
    assert following["step"].dtype == np.int64
    assert following["rate_scale"].dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", VARIANTS)
def test_the_compiled_update_gives_the_same_bits(name, dtype):
    optimizer, moved = VARIANTS[name], parameters(dtype)
    step = compile(optimizer.update, backend="numpy")
    state = optimizer.init(moved)
    for seed in (1, 2, 3):
        gradients = parameters(dtype, seed)
        ours, theirs = step(gradients, state, moved), optimizer.update(gradients, state, moved)
        assert types(ours) == types(theirs)
        for compiled, plain in zip(trees.leaves_of(ours), trees.leaves_of(theirs), strict=True):
            np.testing.assert_array_equal(compiled, plain)
        state = {**theirs[1], "rate_scale": np.array(0.5 / seed)}
        moved = apply_updates(moved, theirs[0])
    assert step.variants == 1  # neither the step nor the rate asks for a new compilation


@pytest.mark.parametrize("name", VARIANTS)
def test_update_leaves_its_arguments_alone_and_repeats_itself(name):
    optimizer, start, gradients = VARIANTS[name], parameters(), parameters(seed=1)
    state = optimizer.init(start)
    for array in trees.leaves_of((start, gradients, state)):
        array.setflags(write=False)
    first, second = (optimizer.update(gradients, state, start) for _ in range(2))
    for ours, again in zip(trees.leaves_of(first), trees.leaves_of(second), strict=True):
        np.testing.assert_array_equal(ours, again)
    assert state["step"] == 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rate_scale_scales_the_rate(name):
    optimizer, start, gradients = OPTIMIZERS[name](0.5), parameters(), parameters(seed=1)
    state = optimizer.init(start)
    halved = {**state, "rate_scale": np.array(0.5)}
    by_scale, _ = optimizer.update(gradients, halved, start)
    by_rate, _ = OPTIMIZERS[name](0.25).update(gradients, state, start)
    whole, _ = optimizer.update(gradients, state, start)
    for path in start:
        np.testing.assert_array_equal(by_scale[path], by_rate[path])
        assert start[path].size == 0 or np.any(by_scale[path] != whole[path])
    assert optimizer.rate(state) == 0.5
    assert optimizer.rate(halved) == 0.25


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_update_goes_against_the_gradient(name):
    start, gradients = {"w": np.zeros((3, 4))}, {"w": np.random.default_rng(0).normal(size=(3, 4))}
    optimizer = OPTIMIZERS[name](0.1)
    updates, _ = optimizer.update(gradients, optimizer.init(start), start)
    assert np.sum(updates["w"] * gradients["w"]) < 0
    if name != "muon":  # whose matrices are turned
        np.testing.assert_array_equal(np.sign(updates["w"]), -np.sign(gradients["w"]))


RATES = {"adadelta": 30.0, "lars": 100.0}  # of those whose rate is a factor on small steps


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_a_quadratic(name):
    point = {"x": np.array([3.0, -2.0])}
    optimizer = OPTIMIZERS[name](RATES.get(name, 0.1))
    state = optimizer.init(point)
    for _ in range(300):
        updates, state = optimizer.update({"x": point["x"] * [1.0, 4.0]}, state, point)
        point = apply_updates(point, updates)
    assert np.abs(point["x"]).max() < 1.0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_docstring_holds_equation_and_source(name):
    text = inspect.getdoc(OPTIMIZERS[name])
    assert "Δθ = " in text
    assert "PyTorch" in text
    assert re.search(r"\b(19|20)\d\d\b", text)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_repr_makes_the_same_optimizer(name):
    optimizer = OPTIMIZERS[name](0.25)
    again = eval(repr(optimizer), vars(optimizers))
    assert again.options == optimizer.options
    assert again.name == optimizer.name
    assert f"{name}(learning_rate=0.25, " in repr(optimizer).lower()


def test_a_schedule_is_a_function_of_the_number_of_updates_done():
    seen = SGD(lambda step: 1.0 + step)
    point = {"x": np.zeros(2)}
    state = seen.init(point)
    moves = []
    for _ in range(3):
        assert seen.rate(state) == 1 + len(moves)
        updates, state = seen.update({"x": np.ones(2)}, state, point)
        moves.append(-updates["x"][0])
    assert moves == [1.0, 2.0, 3.0]


def test_nested_trees_and_any_order_of_gradients():
    nested = {"layers": [{"weight": np.ones(2)}, {"weight": np.ones(3)}], "scale": np.ones(())}
    optimizer = Adam(0.1)
    state = optimizer.init(nested)
    assert set(state["slots"]) == {"layers.0.weight", "layers.1.weight", "scale"}
    updates, _ = optimizer.update(nested, state, nested)
    assert types(updates) == types(nested)
    swapped = {"scale": nested["scale"] * 2, "layers": nested["layers"]}
    again, _ = optimizer.update(swapped, state, nested)
    assert list(again) == list(nested)
    np.testing.assert_array_equal(again["layers"][1]["weight"], updates["layers"][1]["weight"])


COUPLED = {"prodigy", "lbfgs"}  # optimizers with one memory of all parameters together


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32),
    st.sampled_from(sorted(set(OPTIMIZERS) - COUPLED)),
    st.floats(1e-4, 1.0),
    st.integers(1, 5),
)
def test_parameters_do_not_influence_each_other(seed, name, rate, steps):
    random = np.random.default_rng(seed)
    start = {"a": random.normal(size=3), "b": random.normal(size=(2, 2))}
    gradients = [
        {"a": random.normal(size=3), "b": random.normal(size=(2, 2))} for _ in range(steps)
    ]
    optimizer = OPTIMIZERS[name](rate)

    def run(paths):
        own = {path: start[path] for path in paths}
        state = optimizer.init(own)
        for gradient in gradients:
            updates, state = optimizer.update({p: gradient[p] for p in paths}, state, own)
            own = apply_updates(own, updates)
        return own

    together = run(["a", "b"])
    np.testing.assert_array_equal(together["a"], run(["a"])["a"])
    np.testing.assert_array_equal(together["b"], run(["b"])["b"])


def test_gradients_take_the_type_of_their_parameter():
    optimizer, start = AdamW(), {"w": np.ones(3, np.float32)}
    updates, state = optimizer.update({"w": np.ones(3)}, optimizer.init(start), start)
    assert updates["w"].dtype == np.float32
    assert state["slots"]["w"]["first_moment"].dtype == np.float32


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_half_precision_parameters_have_single_precision_slots(name):
    optimizer = OPTIMIZERS[name](0.1)
    half, single = {"w": np.ones(3, np.float16)}, {"w": np.ones(3, np.float32)}
    tiny = np.array([1e-5, -2e-5, 0.0])
    ours, state = optimizer.update({"w": tiny.astype(np.float16)}, optimizer.init(half), half)
    wide, _ = optimizer.update({"w": tiny.astype(np.float16)}, optimizer.init(single), single)
    slots = trees.leaves_of(state["slots"])
    assert all(slot.dtype == np.float32 for slot in slots if slot.shape)
    np.testing.assert_array_equal(ours["w"], wide["w"].astype(np.float16))


def test_a_rule_for_one_parameter_makes_an_optimizer():
    sign_descent = per_parameter(
        "sign_descent",
        lambda parameter: {},
        lambda gradient, slots, parameter, step, rate: (-rate * np.sign(gradient), slots),
        learning_rate=0.5,
        flavour="plain",
    )
    start = {"w": np.array([1.0, 2.0])}
    updates, _ = sign_descent.update({"w": np.array([-3.0, 3.0])}, sign_descent.init(start), start)
    np.testing.assert_array_equal(updates["w"], [0.5, -0.5])
    assert repr(sign_descent) == "sign_descent(learning_rate=0.5, flavour='plain')"


@pytest.mark.parametrize(
    ("gradients", "error", "message"),
    [
        ({"a": np.ones(2)}, TreeError, "no gradient for the parameter `b`"),
        ({"a": np.ones(2), "b": np.ones(3), "c": np.ones(1)}, TreeError, "gradient for `c`"),
        ({"a": np.ones(2), "b": np.ones((3, 1))}, ShapeError, r"`b` has shape \(3, 1\)"),
    ],
)
def test_gradients_that_do_not_fit(gradients, error, message):
    start = {"a": np.ones(2), "b": np.ones(3)}
    optimizer = SGD(0.1)
    with pytest.raises(error, match=message):
        optimizer.update(gradients, optimizer.init(start), start)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"a": 1.0}, TypeMismatchError, r"`a` is the Python number 1.0.*np.float32\(1.0\)"),
        ({"a": np.ones(2, int)}, TypeMismatchError, "`a` has data type int64"),
        (
            {"c": np.ones(2), "a.b": np.ones(2), "a": {"b": np.ones(2)}},
            TreeError,
            "same path `a.b`",
        ),
    ],
)
def test_parameters_that_cannot_be_trained(parameters, error, message):
    with pytest.raises(error, match=message):
        SGD(0.1).init(parameters)
