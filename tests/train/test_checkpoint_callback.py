"""What the checkpoint callback leaves in its folder, and that training continues from it."""

import numpy as np
import pytest

from gradiente import losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.train import Checkpoint, Trainer

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = RANDOM.normal(size=(40, 1)).astype(np.float32)
FIT = {"batch_size": 16, "validation": (X[:9], Y[:9]), "verbose": False}


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


def test_the_best_and_the_last_are_kept(tmp_path):
    keep = Checkpoint(tmp_path / "runs" / "a", last=2)
    made().fit(X, Y, epochs=5, callbacks=[set_loss([5.0, 3.0, 4.0, 2.0, 9.0]), keep], **FIT)
    assert names(keep.folder) == [
        "best.checkpoint",
        "epoch_000004.checkpoint",
        "epoch_000005.checkpoint",
    ]
    assert keep.best_epoch == 4 and keep.best_value == 2.0
    assert len(loaded(keep.folder / "best.checkpoint").history) == 4
    assert len(loaded(keep.folder / "epoch_000005.checkpoint").history) == 5


def test_some_epochs_only(tmp_path):
    keep = Checkpoint(tmp_path, best=False, last=2, every=3)
    made().fit(X, Y, epochs=10, callbacks=[keep], **FIT)
    assert names(tmp_path) == ["epoch_000006.checkpoint", "epoch_000009.checkpoint"]


def test_a_column_of_known_or_given_direction(tmp_path):
    change = set_loss([1.0, 2.0, 3.0])
    keep = Checkpoint(tmp_path, monitor="validation_loss", last=0, greater_is_better=True)
    made().fit(X, Y, epochs=3, callbacks=[change, keep], **FIT)
    assert keep.best_epoch == 3
    assert names(tmp_path) == ["best.checkpoint"]


def test_training_continues_bit_for_bit_with_the_same_best(tmp_path):
    whole, keep = made(), Checkpoint(tmp_path / "whole")
    whole.fit(X, Y, epochs=6, callbacks=[keep], **FIT)
    made().fit(X, Y, epochs=4, callbacks=[Checkpoint(tmp_path / "run")], **FIT)
    resumed = loaded(tmp_path / "run" / "epoch_000004.checkpoint")
    again = Checkpoint(tmp_path / "run")
    resumed.fit(X, Y, epochs=2, callbacks=[again], **FIT)
    assert (again.best_epoch, again.best_value) == (keep.best_epoch, keep.best_value)
    assert names(tmp_path / "run") == ["best.checkpoint", "epoch_000006.checkpoint"]
    for path, weight in whole.weights().items():
        np.testing.assert_array_equal(resumed.weights()[path], weight)


def test_a_worse_epoch_of_a_resumed_training_is_not_its_best(tmp_path):
    keep, values = Checkpoint(tmp_path), [1.0, 2.0, 3.0]
    trainer = made()
    trainer.fit(X, Y, epochs=1, callbacks=[set_loss(values), keep], **FIT)
    trainer.fit(X, Y, epochs=2, callbacks=[set_loss(values), keep], **FIT)
    assert keep.best_epoch == 1
    assert len(loaded(tmp_path / "best.checkpoint").history) == 1


def test_files_of_others_and_of_another_future_stay(tmp_path):
    for name in ("epoch_000009.checkpoint", "epoch_1.checkpoint", "notes.txt"):
        (tmp_path / name).write_text("mine")
    made().fit(X, Y, epochs=2, callbacks=[Checkpoint(tmp_path, best=False)], **FIT)
    assert names(tmp_path) == [
        "epoch_000002.checkpoint",
        "epoch_000009.checkpoint",
        "epoch_1.checkpoint",
        "notes.txt",
    ]


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match="keeps nothing"):
        Checkpoint(tmp_path, best=False, last=0)
    with pytest.raises(InvalidArgumentError, match="`every` is 0"):
        Checkpoint(tmp_path, every=0)
    with pytest.raises(InvalidArgumentError, match="Checkpoint monitors `f1`"):
        made().fit(X, Y, epochs=1, callbacks=[Checkpoint(tmp_path, monitor="f1")], **FIT)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        made().fit(X, Y, epochs=1, callbacks=[Checkpoint(tmp_path / "file")], **FIT)
