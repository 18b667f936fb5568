"""Regularizers and constraints in training: in the gradient, after the update, by pattern."""

import numpy as np
import pytest

from gradiente import constraints, losses, nn, optimizers, regularizers
from gradiente.base.errors import (
    InvalidArgumentError,
    NonFiniteError,
    NotDifferentiableError,
    ShapeError,
)
from gradiente.gradient.derivatives import grad
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(13)
X, Y = RANDOM.normal(size=(24, 3)), RANDOM.normal(size=(24, 2))
BACKENDS = ["numpy", "native"]
backends = pytest.mark.parametrize("backend", BACKENDS)


def network():
    return nn.Sequential(nn.Dense(5), nn.tanh, nn.Dense(2)).initialize(X)


def made(**options):
    net = options.pop("network", None) or network()
    settings = {"loss": losses.mse, "optimizer": optimizers.SGD(0.1), "backend": "numpy"}
    return Trainer(net, **{**settings, **options})


def fitted(trainer, epochs=3, batch_size=8, **options):
    options = {"shuffle": False, "verbose": False, **options}
    trainer.fit(X, Y, epochs=epochs, batch_size=batch_size, **options)
    return trainer


PENALTIES = {
    "L1": {"*.weight": regularizers.L1(0.03)},
    "L2": {"*.weight": regularizers.L2(0.03)},
    "several": {"*": regularizers.L2(0.01), "0.*": regularizers.L1(0.02)},
    "Orthogonal": {"0.weight": regularizers.Orthogonal(0.5)},
    "your own": {"*.bias": lambda w: np.sum((w - 1.0) ** 4)},
}


def by_hand(net, penalized, epochs=3, batch_size=8, rate=0.1, project=None):
    """Gradient descent on the sum of the loss and the penalty, written out."""

    def objective(net, x, y):
        return np.mean((net(x) - y) ** 2) + penalized(net)

    for _ in range(epochs):
        for start in range(0, len(X), batch_size):
            rows = slice(start, start + batch_size)
            gradients = grad(objective)(net, X[rows], Y[rows]).parameters()
            moved = {path: w - rate * gradients[path] for path, w in net.parameters().items()}
            net.load_state(project(moved) if project else moved)
    return net


@backends
@pytest.mark.parametrize("name", PENALTIES)
def test_the_gradient_is_that_of_loss_and_penalty(name, backend):
    from fnmatch import fnmatchcase

    def penalized(net):
        return sum(
            regularizer(w)
            for pattern, regularizer in PENALTIES[name].items()
            for path, w in net.parameters().items()
            if fnmatchcase(path, pattern)
        )

    trained = fitted(made(regularizers=PENALTIES[name], backend=backend)).network
    plain = fitted(made()).network
    expected = by_hand(network(), penalized)
    for path, value in expected.parameters().items():
        np.testing.assert_allclose(trained.parameters()[path], value, rtol=1e-10, atol=1e-13)
    assert any((trained.state()[p] != v).any() for p, v in plain.state().items())


def test_l2_is_the_coupled_weight_decay_of_half_the_factor():
    penalized = fitted(made(regularizers={"*": regularizers.L2(0.05)}))
    decayed = fitted(made(optimizer=optimizers.SGD(0.1, weight_decay=0.1)))
    for path, value in decayed.weights().items():
        np.testing.assert_allclose(penalized.weights()[path], value, rtol=1e-12)


@backends
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulated_batches_count_the_penalty_once(weighted, backend):
    weight = RANDOM.uniform(0.5, 2, 24) if weighted else None
    options = {"regularizers": PENALTIES["several"], "backend": backend}
    whole = fitted(made(**options), batch_size=24, sample_weight=weight)
    parts = fitted(made(accumulate=3, **options), batch_size=8, sample_weight=weight)
    for path, value in whole.weights().items():
        np.testing.assert_allclose(parts.weights()[path], value, rtol=1e-10, atol=1e-13)


def test_the_loss_that_is_shown_is_that_of_the_data():
    still = {"optimizer": optimizers.SGD(0.0)}
    trainer = made(regularizers={"*": regularizers.L2(5.0)}, **still)
    plain = made(**still)
    for each in (trainer, plain):
        each.fit(X, Y, epochs=1, validation=(X, Y), verbose=False)
    for column in ("loss", "validation_loss"):
        assert trainer.history[column] == plain.history[column]
    assert trainer.evaluate(X, Y) == plain.evaluate(X, Y)
    assert "penalty" not in plain.history.columns


@backends
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_history_shows_the_penalty(accumulate, backend):
    net = nn.Sequential(nn.Dense(2), nn.ActivityRegularization(regularizers.L1(0.2)))
    net.initialize(X)
    penalized = {"*.weight": regularizers.L2(0.7)}
    still = {"optimizer": optimizers.SGD(0.0), "accumulate": accumulate, "backend": backend}
    trainer = made(network=net, regularizers=penalized, **still)
    trainer.fit(X, Y, epochs=2, batch_size=7, verbose=False)
    expected = 0.7 * np.sum(net[0].weight ** 2) + 0.2 * np.abs(net(X)).sum() / len(X)
    assert trainer.history["penalty"] == pytest.approx([expected] * 2, rel=1e-12)
    assert trainer.history.columns[:4] == ["epoch", "learning_rate", "loss", "penalty"]


def test_l1_makes_small_weights_smaller_and_frozen_parameters_have_no_penalty():
    net = network()
    net.freeze("0")
    trainer = made(network=net, regularizers={"*.weight": regularizers.L1(0.5)})
    before = trainer.weights()
    fitted(trainer, epochs=20)
    after = trainer.weights()
    np.testing.assert_array_equal(after["0.weight"], before["0.weight"])
    assert np.abs(after["2.weight"]).sum() < 0.5 * np.abs(before["2.weight"]).sum()


def test_without_penalties_the_step_has_the_same_operations():
    plain = fitted(made(), epochs=1).step.graph
    empty = fitted(made(regularizers={}, constraints={}), epochs=1).step.graph
    assert str(plain) == str(empty)
    penalized = fitted(made(regularizers={"*": regularizers.L2()}), epochs=1).step.graph
    assert str(plain) != str(penalized)


@backends
def test_a_search_minimizes_loss_and_penalty(backend):
    """Ridge regression has a closed form; a penalty of activities takes part in the search too."""
    x = np.hstack([X, np.ones((24, 1))])
    net = nn.Sequential(nn.Dense(2, use_bias=False)).initialize(x)
    ridge = {"0.weight": regularizers.L2(0.3)}
    trainer = made(network=net, optimizer=optimizers.LBFGS(), regularizers=ridge, backend=backend)
    trainer.fit(x, Y, epochs=50, batch_size=9, verbose=False)
    expected = np.linalg.solve(x.T @ x / 48 + 0.3 * np.eye(4), x.T @ Y / 48)
    np.testing.assert_allclose(net[0].weight, expected, rtol=1e-5, atol=1e-8)

    net = nn.Sequential(
        nn.Dense(2, use_bias=False), nn.ActivityRegularization(regularizers.L2(0.3))
    ).initialize(x)
    trainer = made(network=net, optimizer=optimizers.LBFGS(), backend=backend)
    trainer.fit(x, Y, epochs=50, batch_size=9, verbose=False)
    expected = np.linalg.solve(x.T @ x * (1 / 48 + 0.3 / 24), x.T @ Y / 48)
    np.testing.assert_allclose(net[0].weight, expected, rtol=1e-5, atol=1e-8)


# -- activities ------------------------------------------------------------------------------------


@backends
def test_activities_are_penalized_per_sample(backend):
    def with_penalty():
        net = nn.Sequential(
            nn.Dense(5), nn.tanh, nn.ActivityRegularization(regularizers.L2(0.3)), nn.Dense(2)
        )
        return net.initialize(X)

    def objective(net, x, y):
        hidden = np.tanh(x @ net[0].weight + net[0].bias)
        return np.mean((net(x) - y) ** 2) + 0.3 * np.sum(hidden**2) / len(x)

    trained = fitted(made(network=with_penalty(), backend=backend), epochs=1, batch_size=24)
    net = with_penalty()
    gradients = grad(objective)(net, X, Y).parameters()
    for path, value in net.parameters().items():
        moved = value - 0.1 * gradients[path]
        np.testing.assert_allclose(trained.weights()[path], moved, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(trained.predict(X), trained.network(X), rtol=1e-12)


def test_a_layer_of_your_own_may_add_to_the_loss():
    class Sparse(nn.Module):
        def __init__(self):
            self.hidden, self.out = nn.Dense(5), nn.Dense(2)

        def __call__(self, x):
            h = np.tanh(self.hidden(x))
            nn.add_loss(0.5 * np.mean(np.abs(h)))
            nn.add_loss(0.1 * np.mean(h * h))
            return self.out(h)

    def objective(net, x, y):
        h = np.tanh(net.hidden(x))
        extra = 0.5 * np.mean(np.abs(h)) + 0.1 * np.mean(h * h)
        return np.mean((net(x) - y) ** 2) + extra

    net = Sparse().initialize(X)
    before = {path: np.array(value) for path, value in net.parameters().items()}
    gradients = grad(objective)(net, X, Y).parameters()
    fitted(made(network=net), epochs=1, batch_size=24)
    for path, value in before.items():
        np.testing.assert_allclose(net.parameters()[path], value - 0.1 * gradients[path], 1e-10)


@pytest.mark.parametrize("value", [np.ones(3), 1.0, np.array(1)])
def test_only_a_number_can_be_added(value):
    class Wrong(nn.Module):
        def __init__(self):
            self.out = nn.Dense(2)

        def __call__(self, x):
            nn.add_loss(value)
            return self.out(x)

    assert Wrong()(X).shape == (24, 2)  # outside training it is ignored
    with pytest.raises(ShapeError, match="add_loss takes one floating-point number"):
        fitted(made(network=Wrong()))


def test_activity_regularization_takes_a_function():
    with pytest.raises(InvalidArgumentError, match="takes a regularizer"):
        nn.ActivityRegularization(0.01)
    with pytest.raises(InvalidArgumentError, match="takes a regularizer"):
        nn.ActivityRegularization(regularizers.Regularizer)


# -- constraints -----------------------------------------------------------------------------------


@backends
def test_parameters_are_put_back_after_every_update(backend):
    places = {"0.weight": constraints.MaxNorm(0.4), "2.*": constraints.NonNegative()}

    def project(moved):
        moved["0.weight"] = places["0.weight"](moved["0.weight"])
        return {p: np.maximum(w, 0) if p.startswith("2") else w for p, w in moved.items()}

    trained = fitted(made(constraints=places, backend=backend)).network
    expected = by_hand(network(), lambda net: 0.0, project=project)
    for path, value in expected.parameters().items():
        np.testing.assert_allclose(trained.parameters()[path], value, rtol=1e-10, atol=1e-13)
    assert (trained[2].weight >= 0).all() and (trained[2].weight == 0).any()
    lengths = np.linalg.norm(trained[0].weight, axis=0)
    assert lengths.max() == pytest.approx(0.4) and (lengths <= 0.4 * (1 + 1e-15)).all()


@pytest.mark.parametrize("name", sorted(constraints.CONSTRAINTS))
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_constraint_holds_after_every_batch(name, backend):
    constraint = constraints.find_constraint(name)()
    seen = []

    def watch(trainer, row):
        seen.append(trainer.weights())

    trainer = made(constraints={"*.weight": constraint}, optimizer=optimizers.Adam(0.3))
    fitted(trainer, batch_size=24, epochs=5, callbacks=[watch])
    assert len(seen) == 5
    for weights in seen:
        for path in ("0.weight", "2.weight"):
            np.testing.assert_allclose(
                constraint(weights[path]), weights[path], rtol=1e-14, atol=1e-16
            )


def test_constraints_of_one_parameter_act_in_order():
    places = {"*.weight": constraints.NonNegative(), "0.*": constraints.UnitNorm()}
    trained = fitted(made(constraints=places, optimizer=optimizers.SGD(0.01))).network
    assert (trained[0].weight >= 0).all()
    lengths = np.linalg.norm(trained[0].weight, axis=0)
    np.testing.assert_allclose(lengths[lengths > 0], 1.0, rtol=1e-12)


def test_a_monotone_network_is_monotone():
    net = nn.Sequential(nn.Dense(8), nn.tanh, nn.Dense(1)).initialize(X)
    places = {"0.weight": constraints.Monotone([1, -1, 0]), "2.weight": constraints.NonNegative()}
    trainer = made(network=net, constraints=places, optimizer=optimizers.Adam(0.02))
    y = (X[:, :1] - X[:, 1:2] + np.sin(3 * X[:, 2:])) + 0.3 * RANDOM.normal(size=(24, 1))
    trainer.fit(X, y, epochs=60, batch_size=8, verbose=False)
    gradient = grad(lambda x: np.sum(net(x)))(RANDOM.normal(size=(200, 3)))
    assert (gradient[:, 0] >= 0).all() and (gradient[:, 1] <= 0).all()
    assert gradient[:, 0].max() > 0.1


def test_accumulated_updates_are_constrained():
    trained = fitted(made(constraints={"*.weight": constraints.UnitNorm()}, accumulate=3)).network
    np.testing.assert_allclose(np.linalg.norm(trained[0].weight, axis=0), 1.0, rtol=1e-12)


def test_half_precision_and_float32_keep_their_types():
    x, y = X.astype(np.float32), Y.astype(np.float32)
    trainer = Trainer(
        nn.Sequential(nn.Dense(2)),
        losses.mse,
        regularizers={"*": regularizers.ElasticNet()},
        constraints={"*": constraints.MaxNorm(1.0)},
    )
    trainer.fit(x, y, epochs=1, verbose=False)
    assert {value.dtype for value in trainer.weights().values()} == {np.dtype(np.float32)}


def test_training_continues_bit_for_bit_from_a_file(tmp_path):
    options = {
        "regularizers": {"*.weight": regularizers.L2(0.1)},
        "constraints": {"0.weight": constraints.MaxNorm(0.5)},
        "loss": losses.mse,
        "optimizer": optimizers.Adam(0.1),
        "backend": "native",
    }
    first = fitted(made(**options))
    first.save(tmp_path / "run")
    second = Trainer.load(tmp_path / "run", network(), **options)
    for each in (fitted(first), fitted(second)):
        np.testing.assert_array_equal(each.weights()["0.weight"], first.weights()["0.weight"])


def test_a_penalty_that_is_not_finite_ends_training():
    with pytest.raises(NonFiniteError, match="in epoch 1, batch 1 of 3"), np.errstate(all="ignore"):
        fitted(made(regularizers={"*.bias": lambda w: np.sum(np.log(w))}))


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["regularizers", "constraints"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (regularizers.L2(), r"say for which parameters, \{'\*\.weight': L2\(factor=0\.01\)\}"),
        ([regularizers.L2()], "is a dict of functions by pattern"),
        ({"*": 0.1}, r"has 0\.1 for '\*'"),
        ({"*": regularizers.Regularizer}, "must have functions of an array"),
        ({3: regularizers.L2()}, "for patterns of paths"),
    ],
)
def test_wrong_arguments_are_refused(name, given, message):
    with pytest.raises(InvalidArgumentError, match=message):
        made(**{name: given})


@pytest.mark.parametrize("name", ["regularizers", "constraints"])
def test_a_pattern_that_matches_nothing(name):
    with pytest.raises(
        InvalidArgumentError, match=r"no parameter matches the pattern '\*\.wieght'"
    ):
        fitted(made(**{name: {"*.wieght": lambda w: w}}))


def test_functions_that_return_something_else():
    with pytest.raises(NotDifferentiableError, match=r"shape \(3, 5\) for `0\.weight`"):
        fitted(made(regularizers={"0.weight": lambda w: w * w}))
    with pytest.raises(ShapeError, match="it must keep the shape"):
        fitted(made(constraints={"0.weight": lambda w: w[:1]}))
