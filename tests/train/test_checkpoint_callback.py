"""What the checkpoint callback leaves in its folder, when, and that training continues from it."""

import signal
import threading

import numpy as np
import pytest

from gradiente import losses, nn, optimizers
from gradiente.base.errors import DamagedCheckpointWarning, InvalidArgumentError, RunError
from gradiente.train import Callback, Checkpoint, EarlyStopping, Trainer
from tests.base.faults import Crash, Disk

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = RANDOM.normal(size=(40, 1)).astype(np.float32)
FIT = {"batch_size": 16, "validation": (X[:9], Y[:9]), "verbose": False}
BEST = "best.gradiente"
EPOCHS, BATCHES = 2, 3


def network():
    return nn.Sequential(nn.Dense(4), nn.tanh, nn.Dense(1))


def made():
    return Trainer(network(), losses.mse, optimizers.Adam(0.1))


def loaded(path):
    return Trainer.load(path, network(), loss=losses.mse, optimizer=optimizers.Adam(0.1))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def set_loss(values):
    """A callback that puts other validation losses into the history."""

    def change(trainer, row):
        row["validation_loss"] = values[row["epoch"] - 1]

    return change


def numbered(*numbers):
    return [f"checkpoint-{number:06d}.gradiente" for number in numbers]


def fit_with(checkpoint, epochs=EPOCHS, **changed):
    trainer = made()
    trainer.fit(X, Y, epochs=epochs, **{**FIT, "callbacks": [checkpoint], **changed})
    return trainer


def assert_same_weights(first, second):
    for path, weight in first.weights().items():
        np.testing.assert_array_equal(second.weights()[path], weight)


# -- what is kept ----------------------------------------------------------------------------------


def test_the_best_and_the_last_are_kept(tmp_path):
    keep = Checkpoint(tmp_path / "runs" / "a", last=2)
    callbacks = [keep, set_loss([5.0, 3.0, 4.0, 2.0, 9.0])]  # a checkpoint sees what others do
    trainer = fit_with(keep, epochs=5, callbacks=callbacks)
    assert names(keep.folder) == [BEST, *numbered(4, 5)]
    assert keep.best_epoch == 4 and keep.best_value == 2.0
    assert repr(keep) == f"Checkpoint('{tmp_path}/runs/a', last=2)"
    assert len(loaded(keep.folder / BEST).history) == 4
    assert len(loaded(keep.folder / "checkpoint-000004.gradiente").history) == 4
    assert_same_weights(loaded(keep.folder), trainer)
    assert loaded(keep.folder).history.flow == trainer.history.flow


def test_some_epochs_only_and_the_end(tmp_path):
    fit_with(Checkpoint(tmp_path, best=False, every_epochs=3), epochs=4)
    assert names(tmp_path) == numbered(1, 2)
    assert [len(loaded(tmp_path / name).history) for name in names(tmp_path)] == [3, 4]


def test_the_last_one_has_the_weights_that_early_stopping_puts_back(tmp_path):
    callbacks = [Checkpoint(tmp_path), EarlyStopping(1), set_loss([3.0, 1.0, 2.0, 1.0])]
    callbacks.reverse()
    trainer = fit_with(None, epochs=4, callbacks=callbacks)
    assert len(trainer.history) == 3
    assert_same_weights(loaded(tmp_path), trainer)
    assert_same_weights(loaded(tmp_path), loaded(tmp_path / BEST))


def test_a_column_of_known_or_given_direction(tmp_path):
    keep = Checkpoint(tmp_path, monitor="validation_loss", greater_is_better=True)
    fit_with(keep, epochs=3, callbacks=[set_loss([1.0, 2.0, 3.0]), keep])
    assert keep.best_epoch == 3


def test_training_continues_bit_for_bit_with_the_same_best(tmp_path):
    keep, again = Checkpoint(tmp_path / "whole"), Checkpoint(tmp_path / "run", last=1)
    whole = fit_with(keep, epochs=6)
    fit_with(Checkpoint(tmp_path / "run"), epochs=4)
    resumed = loaded(tmp_path / "run")
    resumed.fit(X, Y, epochs=2, callbacks=[again], **FIT)
    assert (again.best_epoch, again.best_value) == (keep.best_epoch, keep.best_value)
    assert names(tmp_path / "run") == [BEST, *numbered(6)]
    assert_same_weights(whole, resumed)


def test_a_worse_epoch_of_a_resumed_training_is_not_its_best(tmp_path):
    keep, values = Checkpoint(tmp_path), [1.0, 2.0, 3.0]
    trainer = made()
    trainer.fit(X, Y, epochs=1, callbacks=[set_loss(values), keep], **FIT)
    trainer.fit(X, Y, epochs=2, callbacks=[set_loss(values), keep], **FIT)
    assert keep.best_epoch == 1
    assert len(loaded(tmp_path / BEST).history) == 1


def test_the_best_one_is_taken_if_the_others_are_damaged(tmp_path):
    fit_with(Checkpoint(tmp_path, last=1))
    (tmp_path / "checkpoint-000002.gradiente").write_bytes(b"")
    with pytest.warns(DamagedCheckpointWarning, match=r"000002.* Continuing from best"):
        loaded(tmp_path)


# -- when ------------------------------------------------------------------------------------------


def positions(folder):
    """Epoch and batch of every file, in order; 0 between epochs."""
    found = [loaded(path) for path in sorted(folder.iterdir())]
    return [(len(t.history), t.position.batches if t.position else 0) for t in found]


def test_one_is_written_in_the_middle_of_an_epoch_when_it_is_time(tmp_path):
    fit_with(Checkpoint(tmp_path, best=False, last=100, every_minutes=1e-9))
    assert sum(batch > 0 for _, batch in positions(tmp_path)) >= EPOCHS
    assert sum(batch == 0 for _, batch in positions(tmp_path)) == EPOCHS


def test_one_is_written_after_so_many_batches(tmp_path):
    keep = Checkpoint(tmp_path / "a", best=False, last=100, every_minutes=None, every_steps=2)
    one_by_one = Callback()
    one_by_one.on_batch_end = lambda trainer, batch: None
    fit_with(keep, callbacks=[keep, one_by_one])
    assert positions(tmp_path / "a") == [(0, 2), (1, 0), (1, 2), (2, 0)]
    resumed = loaded(tmp_path / "a" / "checkpoint-000001.gradiente")
    keep = Checkpoint(tmp_path / "b", best=False, last=100, every_minutes=None, every_steps=2)
    resumed.fit(X, Y, epochs=2, callbacks=[keep, one_by_one], **FIT)
    assert positions(tmp_path / "b") == [(1, 0), (1, 2), (2, 0)]


@pytest.mark.parametrize("error", [ValueError("oops"), KeyboardInterrupt()])
def test_after_an_error_the_last_one_shows_where_training_was(error, tmp_path):
    class Fails(Callback):
        def on_batch_end(self, trainer, batch):
            if trainer.position.epoch == 2:
                raise error

    trainer, callbacks = made(), [Checkpoint(tmp_path, best=False), Fails()]
    if isinstance(error, KeyboardInterrupt):
        trainer.fit(X, Y, epochs=3, callbacks=callbacks, **FIT)
    else:
        with pytest.raises(ValueError, match="oops"):
            trainer.fit(X, Y, epochs=3, callbacks=callbacks, **FIT)
    assert names(tmp_path) == numbered(1)
    again = loaded(tmp_path)
    again.fit(X, Y, epochs=1, **FIT)
    assert_same_weights(again, fit_with(None, callbacks=[]))


# -- signals ---------------------------------------------------------------------------------------


class Send(Callback):
    """Send a signal to this process at some event."""

    def __init__(self, event, number):
        def send(trainer, *args):
            signal.raise_signal(number)

        setattr(self, event, send)


@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_begin", "on_epoch_end", "on_fit_end"])
def test_a_signal_saves_and_exits(event, tmp_path):
    before = signal.getsignal(signal.SIGUSR1)
    kept = Checkpoint(tmp_path / "run", signals=[signal.SIGTERM, signal.SIGUSR1])
    trainer = made()
    with pytest.raises(SystemExit) as exited:
        trainer.fit(X, Y, epochs=EPOCHS, callbacks=[Send(event, signal.SIGUSR1), kept], **FIT)
    assert exited.value.code == 128 + signal.SIGUSR1
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    again = loaded(tmp_path / "run")
    if len(again.history) < EPOCHS:
        assert trainer.history.stopped == "SIGUSR1 was received"
        again.fit(X, Y, epochs=EPOCHS - len(again.history), **FIT)
    assert_same_weights(again, fit_with(None, callbacks=[]))


def test_outside_the_main_thread_no_signals_are_watched(tmp_path):
    thread = threading.Thread(target=fit_with, args=(Checkpoint(tmp_path, best=False),))
    thread.start()
    thread.join()
    assert len(names(tmp_path)) == EPOCHS


# -- errors ----------------------------------------------------------------------------------------


def test_a_disk_that_fails_ends_the_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"checkpoints cannot be kept in .*file"):
        fit_with(Checkpoint(tmp_path / "file"))


@pytest.mark.parametrize("best", [True, False])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Crash()])
def test_whatever_fails_training_ends_and_nothing_is_lost(error, best, tmp_path, monkeypatch):
    """The n-th write, fsync, renaming, deletion, ... of a training fails, for every n."""

    def fit(folder):
        trainer = Trainer(network(), losses.mse, optimizers.Adam(0.1), backend="numpy")
        keep = Checkpoint(folder, best=best, last=1, every_minutes=None)
        try:
            trainer.fit(X, Y, epochs=3, callbacks=[set_loss([3.0, 1.0, 2.0]), keep], **FIT)
        except (RunError, Crash) as error:
            return trainer, error
        return trainer, None

    def backed(path):
        return Trainer.load(path, backend="numpy")

    with monkeypatch.context() as patch:
        disk = Disk(patch)
        whole, _ = fit(tmp_path / "whole")
    for n in range(1, disk.done + 1):
        folder = tmp_path / str(n)
        with monkeypatch.context() as patch:
            Disk(patch, fails=n, error=error)
            trainer, failed = fit(folder)
        assert failed is error or "No space left on device" in str(failed)
        assert failed is error or "of the callback Checkpoint(" in failed.__notes__[0]
        done = len(trainer.history)
        written = folder.exists() and any(not name.startswith(".") for name in names(folder))
        assert written or done < 2  # the file of an epoch stays until there is a newer one
        if written:
            again = backed(folder)
            assert len(again.history) in (done, done - 1)
            if len(again.history) < 3:
                again.fit(X, Y, epochs=3 - len(again.history), **FIT)
            assert_same_weights(again, whole)
        if failed is not error and done < 3:  # the program goes on if the user wants it to
            trainer.fit(X, Y, epochs=3 - done, **FIT)
            assert_same_weights(trainer, whole)


def test_files_of_others_stay(tmp_path):
    for name in ("checkpoint-1.gradiente", "notes.txt"):
        (tmp_path / name).write_text("mine")
    fit_with(Checkpoint(tmp_path, best=False, last=1))
    assert names(tmp_path) == ["checkpoint-000002.gradiente", "checkpoint-1.gradiente", "notes.txt"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"last": 0},
        {"every_epochs": 0},
        {"every_minutes": 0},
        {"every_steps": 0},
        {"signals": 15},
        {"signals": ["x"]},
    ],
)
def test_arguments_that_make_no_sense(wrong, tmp_path):
    with pytest.raises(InvalidArgumentError):
        Checkpoint(tmp_path, **wrong)


def test_a_column_that_is_not_there(tmp_path):
    with pytest.raises(InvalidArgumentError, match="Checkpoint monitors `f1`"):
        fit_with(Checkpoint(tmp_path, monitor="f1"))
