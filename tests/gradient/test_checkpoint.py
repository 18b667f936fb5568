"""`checkpoint` changes nothing but the memory that is needed."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.base.trees import flatten

RANDOM = np.random.default_rng(1)
W, X = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(5, 4))
RUNS = pytest.mark.parametrize(
    "run",
    [lambda f: f, gd.compile, lambda f: gd.compile(f, backend="numpy")],
    ids=["eager", "native", "numpy"],
)


def block(w, x):
    return np.tanh(np.sin(np.tanh(x @ w)) @ w)


def deep(part, count=3):
    """A number computed by several blocks in a row."""

    def loss(w, x):
        for _ in range(count):
            x = part(w, x)
        return np.sum(x * x)

    return loss


def close(got, expected, tolerance=1e-12):
    for a, b in zip(flatten(got)[0], flatten(expected)[0], strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


CHECKPOINTED = {
    "each block": deep(gd.checkpoint(block)),
    "twice": deep(gd.checkpoint(gd.checkpoint(block))),
    "all": gd.checkpoint(deep(block)),
    "parts of parts": gd.checkpoint(deep(gd.checkpoint(block))),
    "closures": deep(lambda w, x: gd.checkpoint(lambda x: block(w, x))(x)),
    "by keyword": deep(lambda w, x: gd.checkpoint(block)(w, x=x)),
}


@RUNS
@pytest.mark.parametrize("name", CHECKPOINTED)
def test_values_and_gradients_are_those_of_the_plain_function(name, run):
    expected = gd.value_and_grad(deep(block), argnums=(0, 1))(W, X)
    close(run(gd.value_and_grad(CHECKPOINTED[name], argnums=(0, 1)))(W, X), expected)


@RUNS
@pytest.mark.parametrize("name", CHECKPOINTED)
def test_second_derivatives_are_those_of_the_plain_function(name, run):
    def derivatives(function):
        def both(w, x):
            product = gd.hvp(function, (w, x), (w, x))
            return product, gd.jvp(function, (w, x), (x[:4], x)), gd.hessian(function)(w, x)

        return both

    expected = derivatives(deep(block))(W, X)
    close(run(derivatives(CHECKPOINTED[name]))(W, X), expected, 1e-11)


def several(w, x):
    hidden = np.tanh(x @ w)
    return {"a": hidden * hidden, "b": (np.sum(np.exp(hidden), axis=0), np.argmax(hidden)), "c": x}


@RUNS
def test_functions_may_return_trees(run):
    def loss(function):
        def total(w, x):
            y = function(w, x)
            summed = np.sum(y["a"] * x) + np.sum(y["b"][0]) + np.sum(y["c"])
            return summed, y

        return gd.value_and_grad(total, argnums=(0, 1), has_aux=True)

    close(run(loss(gd.checkpoint(several)))(W, X), loss(several)(W, X))
    assert gd.checkpoint(several)(W, X)["b"][1] == several(W, X)["b"][1]


def operations(function, *args):
    """How often each operation is in the graph that runs."""
    names = [node.operation.name for node in gd.compile(function).graph(*args).steps]
    return {name: names.count(name) for name in names}


def test_what_several_results_have_in_common_is_computed_again_once():
    def loss(w, x):
        y = gd.checkpoint(several)(w, x)
        return np.sum(y["a"] * y["a"]) + np.sum(y["b"][0] ** 2)

    assert operations(gd.grad(loss), W, X)["tanh"] == 2


def test_inner_values_are_computed_twice_and_results_once():
    counts = operations(gd.grad(deep(gd.checkpoint(block))), W, X)
    assert counts["sin"] == 2 * operations(gd.grad(deep(block)), W, X)["sin"]
    assert counts["after"] == 2 * 3
    assert "after" not in operations(deep(gd.checkpoint(block)), W, X)


def test_nothing_but_the_result_of_a_block_is_used_after_it():
    graph = gd.compile(gd.value_and_grad(deep(gd.checkpoint(block)))).graph(W, X)
    inner = set()
    for node in graph.steps:
        if node.operation.name == "checkpoint":
            body = node.params["body"].graph
            inner |= set(body.steps) - set(body.outputs)
    outside = [n for n in graph.steps if n not in inner and inner & set(n.inputs)]
    assert [node.operation.name for node in outside] == ["tanh"] * 3  # the results themselves
    assert len(inner) == 3 * 4


def memory(function, *args):
    """Bytes of the arena of a compiled function."""
    return gd.compile(function).program(*args).arena.nbytes


@pytest.mark.usefixtures("every_improvement")
def test_a_deep_network_needs_less_memory():
    """√n parts of √n layers: of n values only about 2 √n are kept."""
    width, rows, count = 64, 256, 16
    weights = [RANDOM.normal(size=(width, width)).astype(np.float32) for _ in range(count)]
    x = RANDOM.normal(size=(rows, width)).astype(np.float32)

    def part(weights, x):
        for w in weights:
            x = np.tanh(np.sin(np.tanh(x @ w)) @ w)
        return x

    def part_of_parts(weights, x):
        for w in weights:
            x = gd.checkpoint(part)([w], x)
        return x

    def loss(part, size):
        def total(weights, x):
            for start in range(0, count, size):
                x = part(weights[start : start + size], x)
            return np.sum(x)

        return gd.value_and_grad(total)

    plain, ours = loss(part, 4), loss(gd.checkpoint(part), 4)
    both = loss(gd.checkpoint(part_of_parts), 4)
    needed = [memory(each, weights, x) for each in (plain, ours, both)]
    assert needed[1] < 0.5 * needed[0]
    assert needed[2] < 0.3 * needed[0]
    close(gd.compile(ours)(weights, x), gd.compile(plain)(weights, x), 1e-5)


@RUNS
def test_gradients_written_by_hand(run):
    clipped = gd.custom_gradient(lambda x: (x * x, lambda g: np.clip(g, -0.2, 0.2)))
    shifted = gd.custom_gradient(lambda x: (x * x, lambda g: g * np.cos(x)))
    products = lambda f: lambda w, x: gd.hvp(f, (w, x), (w, x))  # noqa: E731
    for inner, derivative in ((clipped, gd.grad), (shifted, gd.grad), (shifted, products)):
        part = lambda w, x, inner=inner: np.sin(inner(x @ w))  # noqa: E731
        plain, ours = deep(part), deep(gd.checkpoint(part))
        close(run(derivative(ours))(W, X), derivative(plain)(W, X))


@RUNS
def test_of_each_sample(run):
    each = gd.vmap(gd.value_and_grad(deep(gd.checkpoint(block))), (None, 0))
    plain = gd.vmap(gd.value_and_grad(deep(block)), (None, 0))
    close(run(each)(W, X), plain(W, X))
    outer = gd.grad(lambda w, x: np.sum(gd.vmap(deep(gd.checkpoint(block)), (None, 0))(w, x)))
    close(run(outer)(W, X), plain(W, X)[1].sum(axis=0))
    inside = gd.grad(deep(gd.checkpoint(gd.vmap(block, (None, 0)))))
    close(run(inside)(W, X), gd.grad(deep(block))(W, X))


class Forgetful(nn.Module):
    """A network whose middle is checkpointed, or not."""

    def __init__(self, wrap):
        self.first, self.last, self.wrap = nn.Dense(8), nn.Dense(3), wrap
        self.middle = nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.tanh, nn.Dropout(0.3))

    def __call__(self, x):
        return self.last(self.wrap(self.middle)(self.first(x)))


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_a_checkpointed_network_trains_as_the_plain_one(backend):
    """The same random numbers are drawn again, and the statistics are recorded once."""
    x = RANDOM.normal(size=(40, 4)).astype(np.float32)
    y = RANDOM.integers(0, 3, 40)
    states = []
    for wrap in (gd.checkpoint, lambda f: f):
        adam = optimizers.Adam(1e-2)
        trainer = gd.Trainer(Forgetful(wrap), losses.cross_entropy, adam, seed=1, backend=backend)
        trainer.fit(x, y, epochs=2, batch_size=16, verbose=False)
        states.append(trainer.network.state())
    assert list(states[0]) == list(states[1])
    close(*(list(state.values()) for state in states), tolerance=1e-5)


def test_on_arrays_it_is_the_function():
    assert gd.checkpoint(block).__name__ == "block"
    np.testing.assert_array_equal(gd.checkpoint(block)(W, X), block(W, X))
    assert gd.checkpoint(lambda x: (x, "text", None))(X)[1:] == ("text", None)
