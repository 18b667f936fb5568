"""Chains and groups do what their members do, and refuse what makes no sense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    add_weight_decay,
    apply_updates,
    chain,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    freeze,
    groups,
)

SHAPES = {"encoder.weight": (3, 2), "encoder.bias": (2,), "head.weight": (2, 1), "head.bias": (1,)}

PARTS = sorted(set(OPTIMIZERS) - {"lbfgs", "sophia"})  # which serve no part of a network


def draw(seed):
    random = np.random.default_rng(seed)
    return {path: random.normal(size=shape) for path, shape in SHAPES.items()}


def train(optimizer, steps=4, seed=0):
    """All points of a training with random gradients."""
    parameters = draw(seed)
    state = optimizer.init(parameters)
    points = [parameters]
    for step in range(steps):
        updates, state = optimizer.update(draw(seed + 1 + step), state, parameters)
        parameters = apply_updates(parameters, updates)
        points.append(parameters)
    return points


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(PARTS), st.floats(0.1, 3), st.integers(0, 1000))
def test_chain_is_manual_composition(name, bound, seed):
    clip, optimizer = clip_by_global_norm(bound), OPTIMIZERS[name](0.1)
    parameters = draw(seed)
    clip_state, state = clip.init(parameters), optimizer.init(parameters)
    by_hand = [parameters]
    for step in range(4):
        clipped, clip_state = clip.update(draw(seed + 1 + step), clip_state, parameters)
        updates, state = optimizer.update(clipped, state, parameters)
        parameters = apply_updates(parameters, updates)
        by_hand.append(parameters)
    for ours, theirs in zip(train(chain(clip, optimizer), seed=seed), by_hand, strict=True):
        for path in SHAPES:
            np.testing.assert_array_equal(ours[path], theirs[path])


def test_chain_of_chains():
    flat = chain(add_weight_decay(0.1), clip_by_norm(0.5), SGD(0.1))
    nested = chain(chain(add_weight_decay(0.1), clip_by_norm(0.5)), chain(SGD(0.1)))
    for ours, theirs in zip(train(nested), train(flat), strict=True):
        np.testing.assert_array_equal(ours["head.weight"], theirs["head.weight"])


def test_the_order_of_a_chain_matters():
    before = train(chain(clip_by_value(0.1), SGD(0.5)), steps=1)[1]
    after = train(chain(SGD(0.5), clip_by_value(0.1)), steps=1)[1]
    move = np.abs(before["head.weight"] - draw(0)["head.weight"])
    assert np.any(before["head.weight"] != after["head.weight"])
    assert np.all(move <= 0.05 + 1e-12)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(PARTS), st.sampled_from(PARTS), st.integers(0, 1000))
def test_groups_train_each_parameter_as_its_optimizer_alone_would(first, second, seed):
    one, other = OPTIMIZERS[first](0.1), OPTIMIZERS[second](0.3)
    grouped = train(groups({"encoder.*": one, "*": other}), seed=seed)
    alone, others = train(one, seed=seed), train(other, seed=seed)
    for step, point in enumerate(grouped):
        for path in SHAPES:
            expected = (alone if path.startswith("encoder.") else others)[step][path]
            np.testing.assert_array_equal(point[path], expected)


def test_the_first_match_wins():
    points = train(groups({"*.bias": SGD(0.0), "encoder.*": SGD(1.0), "*": SGD(0.5)}), steps=1)
    gradient = draw(1)
    for path, rate in (("encoder.bias", 0), ("encoder.weight", 1), ("head.weight", 0.5)):
        move = points[1][path] - points[0][path]
        np.testing.assert_allclose(move, -rate * gradient[path], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "optimizer",
    [
        groups({"encoder.*": freeze(), "*": AdamW(0.1)}),
        chain(AdamW(0.1), freeze("encoder.*")),
        chain(AdamW(0.1), freeze("encoder.weight", "encoder.bias")),
    ],
    ids=["groups", "chain with a pattern", "chain with paths"],
)
def test_frozen_parameters_do_not_move(optimizer):
    points = train(optimizer)
    free = train(AdamW(0.1))
    for path in SHAPES:
        expected = points[0] if path.startswith("encoder.") else free[-1]
        np.testing.assert_array_equal(points[-1][path], expected[path])


def test_frozen_groups_need_no_memory():
    optimizer = groups({"encoder.*": freeze(), "*": Adam(0.1)})
    slots = optimizer.init(draw(0))["slots"]
    assert slots["encoder.*"] == {}
    assert set(slots["*"]) == {"head.weight", "head.bias"}


def test_a_norm_in_a_group_is_that_of_the_group():
    optimizer = groups({"head.*": chain(clip_by_global_norm(1.0), SGD(1.0)), "*": SGD(1.0)})
    gradients = {path: np.full(shape, 10.0) for path, shape in SHAPES.items()}
    parameters = draw(0)
    updates, _ = optimizer.update(gradients, optimizer.init(parameters), parameters)
    np.testing.assert_allclose(updates["head.weight"], -1 / np.sqrt(3))
    np.testing.assert_array_equal(updates["encoder.weight"], -10.0)


def test_groups_of_transforms_are_a_transform():
    clips = groups({"head.*": clip_by_value(0.1), "*": freeze()})
    points = train(chain(clips, SGD(1.0)), steps=1)
    move = points[1]["head.weight"] - points[0]["head.weight"]
    np.testing.assert_allclose(move, -np.clip(draw(1)["head.weight"], -0.1, 0.1))
    np.testing.assert_array_equal(points[1]["encoder.weight"], points[0]["encoder.weight"])


def test_one_step_and_one_rate_scale_serve_all_members():
    def falling(step):
        return 1.0 / (1.0 + step)

    optimizer = chain(clip_by_value(1e9), groups({"head.*": SGD(falling), "*": SGD(falling)}))
    parameters, gradients = draw(0), draw(1)
    state = optimizer.init(parameters)
    state = {**state, "step": np.array(3), "rate_scale": np.array(0.5)}
    updates, following = optimizer.update(gradients, state, parameters)
    for path in SHAPES:
        np.testing.assert_allclose(updates[path], -gradients[path] / 8, rtol=1e-15)
    assert optimizer.rate(state) == 1 / 8
    assert (following["step"], following["rate_scale"]) == (4, 0.5)


def test_the_learning_rate_of_a_composition():
    shared = chain(clip_by_value(1.0), SGD(0.5))
    assert shared.learning_rate == 0.5
    assert groups({"*.bias": SGD(0.5), "*": Adam(0.5)}).learning_rate == 0.5
    mixed = groups({"*.bias": SGD(0.5), "*": SGD(0.1)})
    assert mixed.learning_rate is None
    assert mixed.rate(mixed.init(draw(0))) is None
    assert clip_by_value(1.0).learning_rate is None


def test_a_parameter_without_a_group():
    optimizer = groups({"encoder.*": SGD(0.1), "*.weight": SGD(0.1)})
    with pytest.raises(
        InvalidArgumentError, match=r"`head.bias` belongs to no group.*'encoder.\*'"
    ):
        optimizer.init(draw(0))


@pytest.mark.parametrize("make", [lambda p: groups({p: freeze(), "*": SGD()}), freeze])
def test_a_pattern_without_parameters(make):
    optimizer = make("enocder.*")
    parameters = draw(0)
    with pytest.raises(
        InvalidArgumentError, match=r"no parameter matches.*'enocder.\*'.*head.bias"
    ):
        optimizer.update(parameters, optimizer.init(parameters), parameters)


@pytest.mark.parametrize(
    ("count", "listed"), [(20, "p18, p19.$"), (21, "p18, p19 and 1 more.$"), (30, " and 10 more.$")]
)
def test_a_long_list_of_parameters_is_shortened(count, listed):
    parameters = {f"p{index}": np.ones(1) for index in range(count)}
    optimizer = groups({"weight": SGD(), "*": SGD()})
    with pytest.raises(InvalidArgumentError, match=listed):
        optimizer.init(parameters)


def test_patterns_distinguish_case():
    with pytest.raises(InvalidArgumentError, match="no parameter matches"):
        groups({"HEAD.*": SGD(), "*": SGD()}).init(draw(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: chain(), "at least one member"),
        (lambda: groups({}), "at least one pattern"),
        (lambda: chain(SGD), "is not an optimizer"),
        (lambda: groups({"*": 0.1}), "0.1 is not an optimizer"),
        (lambda: chain(SGD(), Adam()), "takes one optimizer.*use `groups`"),
        (lambda: chain(groups({"*": SGD()}), Adam()), "takes one optimizer"),
        (lambda: chain(SGD(), add_weight_decay(0.1)), "`add_weight_decay` changes gradients"),
        (
            lambda: chain(clip_by_value(1.0), SGD(), add_weight_decay(0.1), clip_by_value(1.0)),
            "`add_weight_decay` changes gradients",
        ),
        (lambda: groups({"a": SGD(), "*": clip_by_value(1.0)}), "use `chain"),
    ],
)
def test_compositions_that_make_no_sense(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_compositions_print_as_they_were_written():
    optimizer = groups({"head.*": chain(clip_by_value(1.0), SGD(0.5)), "*": freeze()})
    assert "clip_by_value(maximum=1.0)" in repr(optimizer)
    assert "SGD(learning_rate=0.5, " in repr(optimizer)
    assert "freeze()" in repr(optimizer)
