"""The flow of the gradient: the numbers are those of a plain computation, and change nothing."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.train.flow import flow_function
from gradiente.train.history import History
from gradiente.train.history_flow import STATISTICS, FlowSampling
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(5)
X, Y = RANDOM.normal(size=(12, 4)), RANDOM.normal(size=(12, 2))

both = pytest.mark.parametrize("backend", ["numpy", "native"])


def trained(network, backend, optimizer=None, x=X, y=Y, loss=losses.mse, **options):
    trainer = Trainer(network, loss, optimizer or optimizers.SGD(0.1), backend=backend)
    trainer.fit(x, y, verbose=False, **{"epochs": 1, "batch_size": len(x), "flow": 1, **options})
    return trainer


def flow_at(trainer, x, y):
    """The flow at the weights as they are now."""
    recipe = trainer._learner.recipe
    parts = {part: value for part, value in trainer.state.items() if part != "sums"}
    compiled = gd.compile(flow_function(recipe), backend=trainer._learner.backend)
    return {
        path: dict(zip(STATISTICS, numbers, strict=True))
        for path, numbers in compiled(parts, (x, y, None)).items()
    }


def norm(*arrays):
    return np.sqrt(sum(np.sum(np.square(each)) for each in arrays))


@both
def test_the_numbers_are_those_of_the_chain_rule_by_hand(backend):
    network = nn.Sequential(nn.Dense(6), nn.relu, nn.Dense(5), nn.tanh, nn.Dense(2))
    trainer = trained(network, backend)
    network[0].bias[:] = [0.1, -0.2, 0.0, 0.3, -50.0, -60.0]  # the last two never fire
    network[2].weight[:, 0] *= 40  # flat for most samples
    trainer._learner.adopt()
    found = flow_at(trainer, X, Y)

    w1, b1, w2, b2, w3, b3 = (
        getattr(network[place], name) for place in (0, 2, 4) for name in ("weight", "bias")
    )
    z1 = X @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    a2 = np.tanh(z2)
    z3 = a2 @ w3 + b3
    d3 = 2 * (z3 - Y) / z3.size
    d2 = (d3 @ w3.T) * (1 - a2**2)
    d1 = (d2 @ w2.T) * (z1 > 0)
    gradients = [(X.T @ d1, d1.sum(0)), (a1.T @ d2, d2.sum(0)), (a2.T @ d3, d3.sum(0))]
    weights, outputs, errors = [(w1, b1), (w2, b2), (w3, b3)], [z1, z2, z3], [d1, d2, d3]
    assert list(found) == ["0", "2", "4"]
    for place, layer in enumerate(found.values()):
        expected = {
            "gradient": norm(*gradients[place]),
            "activation": np.sqrt(np.mean(np.sum(outputs[place] ** 2, axis=1))),
            "error": np.sqrt(np.mean(np.sum((12 * errors[place]) ** 2, axis=1))),
            "update": 0.1 * norm(*gradients[place]) / norm(*weights[place]),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(layer[name], value, rtol=1e-11, err_msg=name)
    dead = np.mean((z1 <= 0).all(axis=0))
    assert found["0"]["dead"] == pytest.approx(dead) and dead >= 2 / 6
    saturated = np.mean(1 - a2**2 < 0.05)
    assert found["2"]["saturated"] == pytest.approx(saturated) and saturated > 0.05
    for path, name in [("0", "saturated"), ("2", "dead"), ("4", "dead"), ("4", "saturated")]:
        assert np.isnan(found[path][name])


class Twice(nn.Module):
    """One layer used twice, one behind a cut, one in a scan, and a parameter of its own."""

    def __init__(self):
        self.shared, self.cut, self.out = nn.Dense(4), nn.Dense(4), nn.Dense(2)
        self.cell = nn.Dense(4)
        self.scale = np.ones(4)

    def __call__(self, x):
        hidden = nn.relu(self.shared(nn.relu(self.shared(x)))) * self.scale
        hidden = hidden + gd.stop_gradient(nn.relu(self.cut(x)))

        def step(carry, _):
            return nn.tanh(self.cell(carry)), ()

        hidden, _ = gd.scan(step, hidden, np.zeros(3))
        return self.out(hidden)


@both
def test_layers_used_twice_cut_off_or_in_a_scan(backend):
    trainer = trained(Twice(), backend)
    found = flow_at(trainer, X, Y)
    assert set(found) == {"", "shared", "cut", "cell", "out"}
    gradient = gd.grad(lambda net: losses.mse(net(X), Y))(trainer.network)
    for path in ("shared", "cell", "out"):
        layer = getattr(gradient, path)
        np.testing.assert_allclose(found[path]["gradient"], norm(layer.weight, layer.bias))
    shared = trainer.network.shared
    first = X @ shared.weight + shared.bias
    second = np.maximum(first, 0) @ shared.weight + shared.bias
    expected = np.sqrt((np.sum(first**2) + np.sum(second**2)) / len(X))
    np.testing.assert_allclose(found["shared"]["activation"], expected)
    dead = np.mean([(first <= 0).all(axis=0), (second <= 0).all(axis=0)])
    assert found["shared"]["dead"] == pytest.approx(dead)
    assert found["cut"]["gradient"] == 0
    for path in ("cut", "cell"):
        assert np.isnan([found[path][name] for name in ("activation", "error", "dead")]).all()


@both
@pytest.mark.parametrize(
    "options",
    [{}, {"accumulate": 3}, {"optimizer": optimizers.sam(optimizers.SGD(0.1))}],
    ids=["plain", "accumulated", "perturbed"],
)
def test_the_training_is_the_same_to_the_bit(backend, options):
    x = RANDOM.normal(size=(70, 4)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(int)

    def fitted(flow):
        network = nn.Sequential(
            nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.3), nn.Dense(8), nn.tanh, nn.Dense(2)
        )
        trainer = Trainer(network, losses.cross_entropy, backend=backend, seed=3, **options)
        trainer.fit(x, y, epochs=3, batch_size=8, flow=flow, verbose=False, validation=(x, y))
        return trainer

    without, watched = fitted(False), fitted(3)
    assert not without.history.flow and watched.history.flow
    for path, value in without.weights().items():
        np.testing.assert_array_equal(watched.weights()[path], value, err_msg=path)
    for ours, others in zip(watched.history, without.history, strict=True):
        assert {**ours, "seconds": 0} == {**others, "seconds": 0}


def test_an_optimizer_that_searches_is_not_looked_at():
    assert trained(nn.Sequential(nn.Dense(2)), None, optimizers.LBFGS()).history.flow == []


def test_frozen_layers_are_left_out():
    network = nn.Sequential(nn.Dense(3), nn.tanh, nn.Dense(2)).initialize(X)
    network.freeze("0")
    assert {row["layer"] for row in trained(network, None).history.flow} == {"2"}


def test_the_history_has_the_mean_of_an_epoch():
    def fitted(flow):
        network = nn.Sequential(nn.Dense(3), nn.relu, nn.Dense(2))
        return trained(network, None, flow=flow, epochs=2, batch_size=4, shuffle=False).history.flow

    each, second = fitted(1), fitted(2)
    assert [(row["epoch"], row["layer"], row["kind"]) for row in each] == [
        (epoch, layer, "Dense") for epoch in (1, 2) for layer in ("0", "2")
    ]
    # batches 2, 4 and 6 are the second of the first epoch, the first and the third of the other
    assert [row["epoch"] for row in second] == [1, 1, 2, 2]
    assert all(row["gradient"] > 0 and row["update"] > 0 for row in each)
    assert all(row["saturated"] is None for row in each)
    assert second[0]["gradient"] != each[0]["gradient"]


def test_which_batches_are_looked_at():
    assert FlowSampling(True).due(0, 99) == []
    assert FlowSampling(True).due(0, 469) == [120, 241]
    assert FlowSampling(True).due(469, 469) == [14, 135]
    assert FlowSampling(2).due(3, 6) == [0, 2, 4]
    assert FlowSampling(True).due(0, 2000, work=1e4) == []  # a look would take many such steps
    assert FlowSampling(True).due(0, 4000, work=1e10) == [120, 241]
    assert FlowSampling(2).due(3, 6, work=1e4) == [0, 2, 4]
    assert FlowSampling(False).due(0, 500) == FlowSampling(0).due(0, 500) == []


def test_a_short_training_does_not_compile_it():
    trainer = trained(nn.Sequential(nn.Dense(2)), None, flow=True, epochs=3)
    assert trainer.history.flow == []
    assert trainer._learner._flow.variants == 0


def test_the_rest_of_an_epoch_needs_no_function_of_its_own():
    trainer = trained(nn.Sequential(nn.Dense(2)), None, flow=1, batch_size=5)
    assert trainer._learner._flow.variants == 1 and len(trainer.history.flow) == 1


def test_the_arguments_are_checked():
    with pytest.raises(InvalidArgumentError, match="flow"):
        trained(nn.Sequential(nn.Dense(2)), None, flow=-1)


# -- files -----------------------------------------------------------------------------------------


def history():
    network = nn.Sequential(nn.Dense(3), nn.relu, nn.Dense(2))
    return trained(network, None, epochs=3, batch_size=4).history


def test_it_is_saved_with_the_history(tmp_path):
    before = history()
    before.flow[0]["gradient"] = np.inf
    before.to_jsonl(tmp_path / "history.jsonl")
    after = History.from_jsonl(tmp_path / "history.jsonl")
    assert after == before and after.flow == before.flow and len(after.flow) == 6


def test_it_is_saved_with_a_checkpoint(tmp_path):
    network = nn.Sequential(nn.Dense(3), nn.relu, nn.Dense(2))
    trainer = trained(network, None)
    trainer.save(tmp_path / "checkpoint")
    again = nn.Sequential(nn.Dense(3), nn.relu, nn.Dense(2))
    loaded = Trainer.load(
        tmp_path / "checkpoint", again, loss=losses.mse, optimizer=optimizers.SGD(0.1)
    )
    assert loaded.history.flow == trainer.history.flow != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"layer": "0"', '"layer": 0'),
        ('"kind": "Dense"', '"kinds": "Dense"'),
        ('[{"epoch": 1', '[{"epoch": 2'),
        ('"gradient_flow": [', '"gradient_flow": [1, '),
        ('"dead": null', '"dead": true'),
    ],
)
def test_damage_is_noticed(tmp_path, old, new):
    file = tmp_path / "history.jsonl"
    history().to_jsonl(file)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(RunError, match="damaged in line 1"):
        History.from_jsonl(file)


def test_it_is_no_column():
    with pytest.raises(InvalidArgumentError, match=r"see `history\.flow`"):
        History([{"epoch": 1, "gradient_flow": [1.0]}])


def test_an_epoch_with_a_smaller_last_batch_is_looked_at_all_the_same():
    sampling = FlowSampling(7)
    places = [sampling.due(7 * epoch, 6, rest=True) for epoch in range(3)]
    assert places == [[5], [5], [5]]
    assert [sampling.due(7 * epoch, 7) for epoch in range(3)] == [[6], [6], [6]]
    assert sampling.due(6, 0, rest=True) == []
