"""Streams in evaluate, in predict and as validation: exact, and never more than a few chunks."""

import threading
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from gradiente import losses, metrics, nn
from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data import Stream, stream_npy
from gradiente.train import Trainer

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(103, 3)).astype(np.float32)
Y = np.argmax(X, axis=1)
W = RANDOM.random(103)
ENDS = (0, 5, 45, 45, 60, 103)


def stream(*arrays):
    pairs = list(pairwise(ENDS))
    return Stream(lambda: (tuple(a[begin:end] for a in arrays) for begin, end in pairs))


@pytest.fixture(scope="module")
def trainer():
    network = nn.Sequential(nn.Dense(8), nn.tanh, nn.Dense(3))
    made = Trainer(network, losses.cross_entropy, metrics=[metrics.accuracy], backend="numpy")
    made.fit(X, Y, epochs=2, verbose=False)
    return made


def test_predictions_are_those_of_the_arrays(trainer, tmp_path):
    whole = trainer.predict(X)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    files = stream_npy(tmp_path / "x.npy", tmp_path / "y.npy", rows=30)
    alone = stream_npy(tmp_path / "x.npy", rows=30)
    arrays = Stream(lambda: iter(np.split(X, [5, 45, 60])))
    for given in (stream(X, Y), stream(X, Y, W), stream(X), arrays, files, alone):
        np.testing.assert_array_equal(trainer.predict(given), whole)
    with pytest.raises(DataError, match=r"a chunk is \(x, y\) .* not a tuple of 1"):
        trainer.fit(alone, verbose=False)


def test_validation_is_that_of_the_arrays():
    rows = []
    for validation in ((X, Y, W), stream(X, Y, W)):
        network = nn.Sequential(nn.Dense(8), nn.tanh, nn.Dense(3))
        trainer = Trainer(network, losses.cross_entropy, metrics=[metrics.accuracy, metrics.auc])
        trainer.fit(
            X, Y, epochs=3, validation=validation, early_stopping=2, verbose=False, sample_weight=W
        )
        rows.append(trainer.history.rows)
    for whole, streamed in zip(*rows, strict=True):
        for name in ("loss", "validation_loss", "validation_accuracy"):
            assert streamed[name] == pytest.approx(whole[name], rel=1e-6)


def test_a_stream_is_validated_on_a_stream(trainer):
    history = trainer.fit(stream(X, Y), epochs=1, validation=stream(X, Y), verbose=False)
    assert history["validation_loss"][-1] == pytest.approx(trainer.evaluate(X, Y)["loss"])


def test_what_does_not_fit(trainer):
    with pytest.raises(DataError, match=r"chunk 2 has samples of shape \(2,\)"):
        trainer.predict(Stream(lambda: iter([X, X[:, :2]])))
    with pytest.raises(DataError, match="the stream gave no samples"):
        trainer.predict(Stream(list))
    with pytest.raises(DataError, match="samples of the validation x have shape"):
        trainer.fit(X, Y, validation=stream(X[:, :2], Y), verbose=False)
    with pytest.raises(InvalidArgumentError, match=r"give validation=\(x, y\), or a stream"):
        trainer.fit(stream(X, Y), validation=0.2, verbose=False)


CHUNKS, BYTES = 40, 500_000


def large():
    """20 MB in 40 chunks, each made when it is asked for."""
    for number in range(CHUNKS):
        x = np.full((BYTES // 400, 100), number, np.float32)
        yield x, np.zeros((len(x), 1), np.float32)


@pytest.mark.parametrize("use", ["fit", "validation", "evaluate", "predict"])
def test_few_chunks_are_in_memory_at_once(use):
    trainer = Trainer(nn.Dense(1), losses.mse, backend="numpy")
    small = next(large())
    trainer.fit(*small, epochs=1, batch_size=1250, verbose=False)
    calls = {
        "fit": lambda: trainer.fit(Stream(large), epochs=1, batch_size=1000, verbose=False),
        "validation": lambda: trainer.fit(
            *small, epochs=1, batch_size=1250, validation=Stream(large), verbose=False
        ),
        "evaluate": lambda: trainer.evaluate(Stream(large)),
        "predict": lambda: trainer.predict(Stream(large)),
    }
    tracemalloc.start()
    try:
        calls[use]()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * BYTES  # of the 40 chunks: those in use, in work and being read


def test_the_next_chunk_is_read_while_one_is_used(trainer):
    threads = set()

    def chunks():
        for piece in np.split(X, [40]):
            threads.add(threading.current_thread())
            yield piece

    trainer.predict(Stream(chunks))
    assert threading.main_thread() not in threads
