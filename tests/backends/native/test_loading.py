"""Functions of one configuration share what was written and loaded, and never a result."""

import threading

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.backends.compile import improved
from gradiente.backends.native import loading
from gradiente.base.errors import IndexRangeError
from gradiente.base.trees import flatten

DRAWN = np.random.default_rng(5)
X, Y = DRAWN.normal(size=(50, 4)), DRAWN.integers(0, 3, 50)


def trainer(rate=0.01, units=8, seed=0, **options):
    network = nn.Sequential(nn.Dense(units), nn.tanh, nn.Dense(3))
    return gd.Trainer(
        network, losses.cross_entropy, optimizers.Adam(rate), seed=seed, backend="native", **options
    )


def fitted(**options):
    made = trainer(**options)
    made.fit(X, Y, epochs=4, batch_size=16, verbose=False, flow=False)
    return made


def bits(trainer):
    return [leaf.tobytes() for leaf in map(np.asarray, flatten(trainer.state)[0])]


def alone(**options):
    loading.forget()
    return bits(fitted(**options))


def test_a_second_training_shares_the_code_and_has_the_same_bits():
    expected = alone()
    first, second = fitted(), fitted()
    assert bits(first) == bits(second) == expected
    programs = [each.step.program for each in (first, second)]
    assert programs[0].library is programs[1].library
    assert programs[0].arena is not programs[1].arena
    assert second.history.compilations.variants == second.history.compilations.from_cache == 1
    assert second.history.compilations.compiled == 0


@pytest.mark.parametrize(
    "other",
    [
        {"rate": 0.02},
        {"units": 9},
        {"seed": 1},
        {"clip_norm": 1.0},
        {"regularizers": {"*.weight": gd.regularizers.L2(0.1)}},
        {"threads": 2},
    ],
    ids=str,
)
def test_another_configuration_does_not_disturb(other):
    expected = alone(**other), alone()
    loading.forget()
    for _ in range(2):
        assert (bits(fitted(**other)), bits(fitted())) == expected


def test_they_may_train_at_the_same_time():
    expected, found = alone(), []
    threads = [threading.Thread(target=lambda: found.append(bits(fitted()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_settings_make_another_program(monkeypatch):
    monkeypatch.setenv("GRADIENTE_SKIP", "")
    first = fitted()
    monkeypatch.setenv("GRADIENTE_SKIP", "follow,rows")
    second = fitted()
    assert first.step.program.library is not second.step.program.library


def test_an_error_names_the_line_of_the_function_that_failed():
    loading.forget()
    one = gd.compile(lambda x, i: np.take(x, i, axis=0) + 1, "native")
    two = gd.compile(lambda x, i: np.take(x, i, axis=0) + 1, "native")
    for function, line in ((one, "one = gd.compile"), (two, "two = gd.compile")):
        with pytest.raises(IndexRangeError, match=line):
            function(np.zeros(3), np.array([5]))


def test_graphs_that_are_equal_become_one():
    def graph():
        return gd.compile(lambda x: np.tanh(x) + 1, "numpy").graph(X)

    assert improved(graph()) is improved(graph())


def test_only_the_latest_are_kept():
    loading.forget()
    for number in range(loading.MOST + 3):
        gd.compile(lambda x: x + 1, "native")(np.zeros(number + 1))
    assert len(loading.kept) == loading.MOST
