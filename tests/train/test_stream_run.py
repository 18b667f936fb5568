"""Training on a stream is training on its samples: the same batches, losses and bits."""

import threading

import numpy as np
import polars
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import DataError, InvalidArgumentError, NonFiniteError
from gradiente.data import Stream, fit_table, stream_npy, stream_parquet
from gradiente.train import Callback, Checkpoint, Trainer

RANDOM = np.random.default_rng(8)
COUNT = 103
X = RANDOM.normal(size=(COUNT, 3)).astype(np.float32)
Y = np.argmax(X, axis=1)
W = RANDOM.random(COUNT)
PIECES = {
    "one": [COUNT],
    "even": [32, 32, 32, 7],
    "odd": [5, 40, 1, 0, 50, 7],
    "single": [1] * COUNT,
}


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.tanh, nn.Dropout(0.2), nn.Dense(3))


def made(backend=None, **options):
    options = {"optimizer": optimizers.Adam(0.05), "metrics": [metrics.accuracy], **options}
    return Trainer(network(), losses.cross_entropy, seed=3, backend=backend, **options)


def pieces(sizes, *arrays):
    ends = np.cumsum(sizes)
    return lambda: [
        tuple(array[end - size : end] for array in arrays)
        for size, end in zip(sizes, ends, strict=True)
    ]


def without_time(history):
    return [{name: v for name, v in row.items() if name != "seconds"} for row in history]


def assert_same(first, second):
    assert without_time(first.history) == without_time(second.history)
    for path, weight in first.weights().items():
        np.testing.assert_array_equal(second.weights()[path], weight)


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("sizes", PIECES.values(), ids=PIECES)
def test_a_stream_trains_as_one_array_does(sizes, backend):
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": False}
    whole, streamed = made(backend), made(backend)
    whole.fit(X, Y, validation=(X, Y), **options)
    streamed.fit(Stream(pieces(sizes, X, Y)), validation=(X, Y), **options)
    if backend == "numpy":
        assert_same(whole, streamed)
    for name in ("loss", "accuracy", "validation_loss"):  # the smaller last batch may be rounded
        np.testing.assert_allclose(streamed.history[name], whole.history[name], rtol=1e-6)


def test_whole_batches_give_the_same_bits():
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": False}
    whole, streamed = made(), made()
    whole.fit(X[:96], Y[:96], **options)
    streamed.fit(Stream(pieces([5, 40, 51], X, Y)), **options)
    assert_same(whole, streamed)


def test_weights_come_with_the_stream():
    options = {"epochs": 2, "batch_size": 16, "shuffle": False, "verbose": False}
    whole, streamed = made("numpy"), made("numpy")
    whole.fit(X, Y, sample_weight=W, **options)
    streamed.fit(Stream(pieces([50, 53], X, Y, W)), **options)
    assert_same(whole, streamed)


def test_gradients_are_accumulated_across_chunks():
    options = {"epochs": 2, "batch_size": 16, "shuffle": False, "verbose": False}
    whole, streamed = made(accumulate=3), made(accumulate=3)
    whole.fit(X, Y, **options)
    streamed.fit(Stream(pieces([20, 50, 33], X, Y)), **options)
    np.testing.assert_allclose(streamed.history["loss"], whole.history["loss"], rtol=1e-6)
    for path, weight in whole.weights().items():
        np.testing.assert_allclose(streamed.weights()[path], weight, rtol=1e-4, atol=1e-6)


def test_training_resumes_bit_for_bit(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    stream = stream_npy(tmp_path / "x.npy", tmp_path / "y.npy", rows=30)
    whole, first = made(), made()
    whole.fit(stream, epochs=5, verbose=False)
    first.fit(stream, epochs=2, callbacks=[Checkpoint(tmp_path / "run")], verbose=False)
    second = Trainer.load(
        tmp_path / "run",
        network(),
        loss=losses.cross_entropy,
        optimizer=optimizers.Adam(0.05),
        metrics=[metrics.accuracy],
    )
    second.fit(stream, epochs=3, verbose=False)
    assert_same(whole, second)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_training_resumes_in_the_middle_of_an_epoch(batch, tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    stream = stream_npy(tmp_path / "x.npy", tmp_path / "y.npy", rows=30)
    whole = made()
    whole.fit(stream, epochs=3, batch_size=16, verbose=False, flow=2)

    class Save(Callback):
        def on_batch_end(self, trainer, number):
            if number == batch and len(trainer.history) == 1:
                trainer.save(tmp_path / "run")

    made().fit(stream, epochs=2, batch_size=16, callbacks=[Save()], verbose=False, flow=2)
    second = Trainer.load(
        tmp_path / "run",
        network(),
        loss=losses.cross_entropy,
        optimizer=optimizers.Adam(0.05),
        metrics=[metrics.accuracy],
    )
    assert second.position.batches == batch
    with pytest.raises(DataError, match="with batch size 16, not 10"):
        second.fit(stream, epochs=2, batch_size=10, verbose=False)
    second.fit(stream, epochs=2, batch_size=16, verbose=False, flow=2)
    assert_same(whole, second)
    assert whole.history.flow == second.history.flow != []


def test_a_stream_is_measured_as_one_array_is():
    trainer = made()
    trainer.fit(X, Y, epochs=2, verbose=False)
    whole = trainer.evaluate(X, Y, W)
    parts = trainer.evaluate(Stream(pieces([50, 0, 53], X, Y, W)), batch_size=20)
    assert list(parts) == list(whole)
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-6)
    with pytest.raises(InvalidArgumentError, match="targets and weights with it"):
        trainer.evaluate(Stream(pieces([COUNT], X, Y)), Y)
    with pytest.raises(DataError, match=r"x of chunk 2 has samples of shape \(2,\)"):
        trainer.evaluate(Stream(lambda: [(X, Y), (X[:, :2], Y)]))


def test_a_table_larger_than_memory(tmp_path):
    size = RANDOM.normal(size=400)
    kind = RANDOM.choice(["a", "b"], 400)
    frame = polars.DataFrame({"size": size, "kind": kind, "y": (size > 0) ^ (kind == "a")})
    frame.write_parquet(tmp_path / "table.parquet", row_group_size=50)
    table = fit_table(polars.scan_parquet(tmp_path / "table.parquet").head(200), "y")
    trainer = Trainer(
        nn.Sequential(nn.Dense(16), nn.tanh, nn.Dense(2)),
        losses.cross_entropy,
        optimizers.Adam(0.02),
        metrics=[metrics.accuracy],
        preprocessing=table,
    )
    stream = stream_parquet(tmp_path / "table.parquet", table, rows=100)
    trainer.fit(stream, epochs=40, validation=frame[:50], early_stopping=20, verbose=False)
    assert trainer.evaluate(frame)["accuracy"] > 0.9


def test_batches_are_told_and_chunks_are_read_ahead():
    ahead, told = threading.Event(), []

    def chunks():
        yield X[:32], Y[:32]
        ahead.set()
        yield X[32:64], Y[32:64]

    class Watch(Callback):
        def on_batch_end(self, trainer, batch):
            assert ahead.wait(10)  # the second chunk is asked for while the first is in use
            told.append(batch)

    made().fit(Stream(chunks), epochs=2, batch_size=16, callbacks=[Watch()], verbose=False)
    assert told == [1, 2, 3, 4] * 2


def test_an_early_end_leaves_nothing_behind():
    before = threading.active_count()
    stream = Stream(pieces([1] * COUNT, X, Y), count=COUNT)
    trainer = made()
    trainer.fit(stream, epochs=9, batch_size=1, max_seconds=1e-9, verbose=False)
    assert trainer.history.stopped == "the time allowed has passed"

    def broken():
        yield X[:50], Y[:50]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        trainer.fit(Stream(broken), epochs=1, verbose=False)
    assert trainer.history.stopped == "OSError was raised"
    assert threading.active_count() == before
    trainer.fit(stream, epochs=1, verbose=False)


def test_progress_without_a_known_length(capsys):
    made().fit(Stream(pieces([50, 53], X, Y)), epochs=2, verbose=True)
    assert "epoch 2/2" in capsys.readouterr().err


def test_what_is_not_finite_is_found():
    x = X.copy()
    x[60] = np.nan
    with pytest.raises(NonFiniteError, match=r"in epoch 1, batch 4\. The data contain NaN"):
        made().fit(
            Stream(pieces([50, 53], x, Y)), epochs=1, batch_size=16, shuffle=False, verbose=False
        )


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([], "the stream gave no samples: every chunk"),
        ([(X[:0], Y[:0])], "the stream gave no samples: every chunk"),
        ([(X, Y), (X[:, :2], Y)], r"x of chunk 2 has samples of shape \(2,\) and type float32"),
        ([(X, Y), (X.astype(float), Y)], "x of chunk 2 has samples .* type float64"),
        ([(X, Y), (X, Y, W)], "chunk 2 does not have the weight that the first one has"),
        ([(X, Y[:5])], "x has 103, y has 5"),
    ],
)
def test_chunks_that_do_not_fit(chunks, text):
    with pytest.raises(DataError, match=text):
        made().fit(Stream(lambda: chunks), epochs=1, verbose=False)


def test_a_stream_that_runs_dry():
    left = pieces([50, 53], X, Y)()
    stream = Stream(lambda: left if len(left) == 2 else [])
    trainer = made()
    trainer.fit(stream, epochs=1, verbose=False)
    first = iter([left, left])
    with pytest.raises(DataError, match="gave no samples in epoch 3"):
        trainer.fit(Stream(lambda: next(first, [])), epochs=2, verbose=False)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"y": Y}, "leave out y"),
        ({"sample_weight": W}, r"let chunks be \(x, y, weight\)"),
        ({"sampling": "balanced"}, "needs all samples at hand"),
        ({"validation": 0.2}, r"give validation=\(x, y\)"),
    ],
)
def test_what_cannot_be_given_beside_a_stream(options, text):
    with pytest.raises(InvalidArgumentError, match=text):
        made().fit(Stream(pieces([COUNT], X, Y)), verbose=False, **options)
    solver = made(optimizer=optimizers.LBFGS())
    with pytest.raises(InvalidArgumentError, match="works on all samples at once"):
        solver.fit(Stream(pieces([COUNT], X, Y)), verbose=False)
