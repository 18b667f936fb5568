"""Interrupted at any batch, by an error, a signal or death, training ends with the same bits."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.base.errors import (
    DataError,
    InvalidArgumentError,
    RunError,
    TypeMismatchError,
)
from gradiente.train.callbacks import Callback, EarlyStopping, LearningRateSchedule
from gradiente.train.checkpoint_folder import checkpoints_in, read_newest
from gradiente.train.trainer import Trainer
from tests.train.test_checkpoint import assert_same_state, without_time

RANDOM = np.random.default_rng(53)
X = RANDOM.normal(size=(45, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
FIT = {"batch_size": 10, "validation": (X[:12], Y[:12]), "verbose": False, "flow": 2}
BATCHES = 5
EPOCHS = 2


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.3), nn.Dense(2))


def optimizer():
    return optimizers.AdamW(schedules.warmup(schedules.cosine(0.05, 30), 5))


CASES = {
    "schedule": {"optimizer": optimizer},
    "accumulation": {"optimizer": optimizer, "accumulate": 3, "clip_norm": 0.5},
    "plateau": {"optimizer": lambda: optimizers.SGD(schedules.ReduceOnPlateau(0.2, patience=0))},
    "averages": {"optimizer": lambda: optimizers.exponential_moving_average(optimizer(), 0.9)},
    "all samples": {"optimizer": lambda: optimizers.LBFGS()},
}


def options(case):
    given = {name: v() if callable(v) else v for name, v in CASES[case].items()}
    return {"loss": losses.cross_entropy, "metrics": [metrics.accuracy, metrics.auc], **given}


class SaveAt(Callback):
    """Save after so many batches in all, then stop at once."""

    def __init__(self, path, batches):
        self.path = path
        self.left = batches

    def on_batch_end(self, trainer, batch):
        self.left -= 1
        if self.left == 0:
            trainer.save(self.path)
            raise Stop


class Stop(Exception):
    pass


def uninterrupted(case):
    trainer = Trainer(network(), seed=6, **options(case))
    trainer.fit(X, Y, epochs=EPOCHS, **FIT)
    return trainer


def assert_same_training(first, second):
    """The same bits in everything but the time."""
    assert_same_state(first.state, second.state)
    assert without_time(first.history) == without_time(second.history)
    assert first.history.flow == second.history.flow
    assert first.history.stopped == second.history.stopped
    for path, value in second.weights().items():
        np.testing.assert_array_equal(first.weights()[path], value)


@pytest.mark.parametrize("case", CASES)
def test_resumed_after_every_batch_of_two_epochs(case, tmp_path):
    whole = uninterrupted(case)
    batches = 1 if case == "all samples" else BATCHES
    for number in range(1, EPOCHS * batches + 1):
        first = Trainer(network(), seed=6, **options(case))
        with pytest.raises(Stop):
            first.fit(X, Y, epochs=EPOCHS, callbacks=[SaveAt(tmp_path / "run", number)], **FIT)
        again = Trainer.load(tmp_path / "run", network(), **options(case))
        done = len(again.history)
        assert again.position is not None
        assert again.position.epoch == 1 + (number - 1) // batches
        assert again.position.batches == (BATCHES if batches == 1 else 1 + (number - 1) % batches)
        again.predict(X)  # looking at it changes nothing
        again.fit(X, Y, epochs=EPOCHS - done, **FIT)
        assert again.position is None
        assert_same_training(again, whole)


def test_interrupted_again_and_again(tmp_path):
    """Every batch in a trainer of its own, which saves before and after it is continued."""
    whole = uninterrupted("accumulation")
    trainer = Trainer(network(), seed=6, **options("accumulation"))
    for _ in range(EPOCHS * BATCHES):
        with pytest.raises(Stop):
            trainer.fit(X, Y, epochs=EPOCHS, callbacks=[SaveAt(tmp_path / "run", 1)], **FIT)
        trainer = Trainer.load(tmp_path / "run", network(), **options("accumulation"))
        trainer.save(tmp_path / "again")  # a loaded one can be saved as it is
        trainer = Trainer.load(tmp_path / "again", network(), **options("accumulation"))
    trainer.fit(X, Y, epochs=1, **FIT)
    assert_same_training(trainer, whole)


WORSE = [5.0, 4.0, 3.0, 3.5, 3.2, 3.6, 1.0, 1.0]  # the best is epoch 3, and 6 the third after it


def overfitting(trainer, row):
    row["validation_loss"] = WORSE[row["epoch"] - 1]


class Memory(Callback):
    """Remembers plain data of all kinds."""

    def __init__(self):
        self.seen, self.loaded = [], None

    def on_epoch_end(self, trainer, row):
        self.seen.append(row["epoch"])

    def save_state(self):
        return {"seen": self.seen, "more": {"a": np.arange(3), "b": [None, "x", np.float32(2)]}}

    def load_state(self, state):
        self.seen, self.loaded = state["seen"], state["more"]


def stopping_early(trainer, stopping, *others):
    """The epochs that a callback has seen of a training that is stopped early."""
    rate = LearningRateSchedule(lambda epoch: 0.1 / epoch)
    callbacks = [*others, overfitting, rate, stopping, Memory()]
    trainer.fit(X, Y, epochs=8 - len(trainer.history), callbacks=callbacks, **FIT)
    return callbacks[-1].seen


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_stops_at_the_same_epoch_with_the_same_bits(restore, tmp_path):
    parts = {"loss": losses.cross_entropy, "optimizer": optimizers.AdamW(schedules.cosine(0.1, 40))}

    def made():
        return Trainer(network(), seed=6, backend="numpy", **parts)

    def load():
        return Trainer.load(tmp_path / "run", network(), backend="numpy", **parts)

    stopping = EarlyStopping(3, restore_best=restore)
    whole = made()
    assert stopping_early(whole, stopping) == [1, 2, 3, 4, 5, 6]
    assert whole.history.stopped == (
        "validation_loss has not improved for 3 epochs; best was 3 in epoch 3"
    )
    for number in range(1, 6 * BATCHES + 1, 4):
        with pytest.raises(Stop):
            stopping_early(made(), stopping, SaveAt(tmp_path / "run", number))
        again = load()
        again.save(tmp_path / "run")  # what callbacks remember goes along
        again = load()
        assert stopping_early(again, stopping) == [1, 2, 3, 4, 5, 6]
        assert_same_training(again, whole)
    again.save(tmp_path / "run")  # this fit has ended: callbacks of the next one begin anew
    again = load()
    assert stopping_early(again, stopping) == [7, 8]


def test_what_callbacks_remember_comes_back(tmp_path):
    counter, others = Memory(), [SaveAt(tmp_path / "run", 7), Memory()]
    first = Trainer(network(), seed=6, backend="numpy", **options("schedule"))
    with pytest.raises(Stop):
        first.fit(X, Y, epochs=2, callbacks=others, **FIT)

    def load():
        return Trainer.load(tmp_path / "run", network(), backend="numpy", **options("schedule"))

    load().fit(X, Y, epochs=1, callbacks=[counter, Memory()], **FIT)
    assert counter.seen == [1, 2] and counter.loaded["b"] == [None, "x", 2.0]
    np.testing.assert_array_equal(counter.loaded["a"], np.arange(3))
    anew, counter = load(), Memory()
    anew.position = None
    anew.fit(X, Y, epochs=1, callbacks=[counter], **FIT)
    assert counter.seen == [2] and counter.loaded is None

    class Strange(Memory):
        def load_state(self, state):
            raise KeyError("x")

    Strange.__name__ = "Memory"
    with pytest.raises(RunError, match=r"a state of Memory 1 that .* does not understand"):
        load().fit(X, Y, epochs=1, callbacks=[Strange()], **FIT)


@pytest.mark.parametrize("state", [{"a": object()}, {"a": np.array(["x"])}, {"a": {1: 2}}])
def test_what_no_file_can_hold_is_refused(state, tmp_path):
    class Odd(Callback):
        def save_state(self):
            return state

    first = Trainer(network(), seed=6, **options("schedule"))
    with pytest.raises(TypeMismatchError, match="a callback may remember numbers") as caught:
        first.fit(X, Y, epochs=1, callbacks=[SaveAt(tmp_path / "run", 1), Odd()], **FIT)
    assert "raised in save_state of the callback" in caught.value.__notes__[0]


def test_the_best_weights_of_before_are_put_back_after_ctrl_c(tmp_path):
    class Interrupts(Callback):
        def on_batch_end(self, trainer, batch):
            if trainer.position.epoch == 5:
                raise KeyboardInterrupt

    def interrupted(trainer):
        fit = {**FIT, "validation": (X[:12], 1 - Y[:12])}  # which gets worse from the beginning
        trainer.fit(X, Y, epochs=6 - len(trainer.history), callbacks=[Interrupts(), *more], **fit)
        return trainer.weights()

    more = []
    whole = interrupted(Trainer(network(), seed=6, **options("schedule")))
    for number in (7, 10):
        more = [SaveAt(tmp_path / "run", number)]
        with pytest.raises(Stop):
            interrupted(Trainer(network(), seed=6, **options("schedule")))
        more = []
        again = interrupted(Trainer.load(tmp_path / "run", network(), **options("schedule")))
        for path, value in whole.items():
            np.testing.assert_array_equal(again[path], value)


def test_the_seconds_of_an_interrupted_epoch_add_up(tmp_path):
    class Slow(Callback):
        def on_batch_end(self, trainer, batch):
            time.sleep(0.02)

    trainer = Trainer(network(), seed=6, **options("schedule"))
    with pytest.raises(Stop):
        trainer.fit(X, Y, epochs=1, callbacks=[Slow(), SaveAt(tmp_path / "run", 4)], **FIT)
    again = Trainer.load(tmp_path / "run", network(), **options("schedule"))
    assert again._learner.unfinished.seconds > 0.08
    again._learner.unfinished = replace(again._learner.unfinished, seconds=1000.0)
    again.fit(X, Y, epochs=1, **FIT)
    assert again.history["seconds"][0] > 1000


@pytest.fixture
def open_epoch(tmp_path):
    """A file that was saved after the second batch of an epoch."""
    trainer = Trainer(network(), seed=6, **options("accumulation"))
    with pytest.raises(Stop):
        trainer.fit(X, Y, epochs=1, callbacks=[SaveAt(tmp_path / "run", 2)], **FIT)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 9}, "after batch 2 of epoch 1, with batch size 10, not 9"),
        ({"shuffle": False}, "with shuffle True, not False"),
        ({"validation": 0.2}, "with samples 45, not 36"),
    ],
)
def test_an_open_epoch_wants_the_same_batches(changed, message, open_epoch):
    trainer = Trainer.load(open_epoch, network(), **options("accumulation"))
    with pytest.raises(DataError, match=message):
        trainer.fit(X, Y, epochs=1, **{**FIT, **changed})
    with pytest.raises(InvalidArgumentError, match="set to None only"):
        trainer.position = 3
    trainer.position = None
    trainer.fit(X, Y, epochs=1, **{**FIT, **changed})
    assert trainer.history["epoch"] == [1]


def test_an_open_epoch_wants_the_same_metrics(open_epoch):
    given = {**options("accumulation"), "metrics": []}
    trainer = Trainer.load(open_epoch, network(), **given)
    with pytest.raises(RunError, match="begun with other metrics"):
        trainer.fit(X, Y, epochs=1, **FIT)
    trainer.position = None
    trainer.fit(X, Y, epochs=1, **FIT)


def test_an_open_epoch_wants_gradients_of_as_many_batches(open_epoch):
    given = {**options("accumulation"), "accumulate": 1}
    with pytest.raises(RunError, match="gradients of other batches"):
        Trainer.load(open_epoch, network(), **given)


def test_after_ctrl_c_there_is_no_position(tmp_path):
    class Interrupts(Callback):
        def on_batch_end(self, trainer, batch):
            if trainer.position.epoch == 2 and batch == 2:
                raise KeyboardInterrupt

        def on_fit_end(self, trainer):
            assert trainer.position is None
            trainer.save(tmp_path / "run")

    trainer = Trainer(network(), seed=6, **options("schedule"))
    trainer.fit(X, Y, epochs=3, callbacks=[Interrupts()], **FIT)
    again = Trainer.load(tmp_path / "run", network(), **options("schedule"))
    assert again.position is None and again.history["epoch"] == [1]
    for path, value in trainer.weights().items():
        np.testing.assert_array_equal(again.weights()[path], value)


# -- processes that are ended --------------------------------------------------------------------

PROGRAM = """
import hashlib, json, sys
import numpy as np
import gradiente as gd
from gradiente import losses, nn, optimizers, schedules
from gradiente.train import Checkpoint
from gradiente.base.errors import RunError

folder, epochs = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(5)
x = random.normal(size=(400, 6)).astype(np.float32)
y = (x[:, 0] > x[:, 1]).astype(int)
net = nn.Sequential(nn.Dense(16), nn.relu, nn.Dropout(0.2), nn.Dense(2))
rule = optimizers.AdamW(schedules.cosine(0.02, 2000))
try:
    trainer = gd.Trainer.load(folder, net, loss=losses.cross_entropy, optimizer=rule)
except RunError:
    trainer = gd.Trainer(net, losses.cross_entropy, rule, seed=3, accumulate=2)
print("ready", flush=True)
left = epochs - len(trainer.history)
if left and trainer.history.stopped is None:
    kept = Checkpoint(folder, every_minutes=1e-5)
    fit = {"validation": (x[:100], 1 - y[:100]), "early_stopping": 8}  # it gets worse at once
    trainer.fit(x, y, epochs=left, batch_size=8, callbacks=[kept], verbose=False, flow=7, **fit)
digest = hashlib.sha256()
for name, value in sorted(trainer.weights().items()):
    digest.update(name.encode() + value.tobytes())
rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history]
print(json.dumps([digest.hexdigest(), rows, trainer.history.flow]), flush=True)
"""


def started(folder, epochs):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), str(epochs)]
    environment = {**os.environ, "GRADIENTE_BACKEND": "native"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "ready\n"
    return process


def result(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(out)


def stage(folder, out):
    """Where a training was killed: what is in its folder, or that it was done."""
    if out:
        return "done"
    if folder.exists() and any(path.name.startswith(".") for path in folder.iterdir()):
        return "while writing"
    if not folder.exists() or not checkpoints_in(folder):
        return "before the first file"
    _, saved = read_newest(folder)
    return "between epochs" if saved.position is None else "in an epoch"


def killed_and_resumed(folder, epochs, kills):
    """What comes out of a training that is killed so many times, and then left alone, and where.

    One that is done is checked, and the next one begins anew.
    """
    random, stages, results = np.random.default_rng(kills), Counter(), []
    for number in range(kills):
        process = started(folder, epochs)
        time.sleep(random.uniform(0, 0.5))
        process.kill()
        out, _ = process.communicate(timeout=120)
        stages[stage(folder, out)] += 1
        if out:
            results.append(json.loads(out))
            folder = folder.with_name(f"run-{number}")
    return [*results, result(started(folder, epochs))], stages


@pytest.mark.parametrize(
    "kills", [3, pytest.param(200, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_killed_at_random_instants_it_ends_with_the_same_bits(kills, tmp_path, request):
    if kills > 3 and "slow" not in request.config.getoption("markexpr"):
        pytest.skip("takes minutes: run with `-m slow`")
    epochs = 12
    whole = result(started(tmp_path / "whole", epochs))
    assert 8 < len(whole[1]) < epochs  # it is stopped early, and has the flow of its epochs
    assert whole[2]
    results, stages = killed_and_resumed(tmp_path / "run", epochs, kills)
    print(f"killed {kills} times: {dict(stages)}; {len(results)} trainings came to their end")
    assert all(each == whole for each in results)
    if kills > 3:
        assert stages["in an epoch"] and stages["while writing"]


def test_terminated_it_saves_exits_and_ends_with_the_same_bits(tmp_path):
    epochs = 12
    whole = result(started(tmp_path / "whole", epochs))
    process = started(tmp_path / "run", epochs)
    while not (tmp_path / "run").exists():
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode in (0, 128 + signal.SIGTERM)
    assert result(started(tmp_path / "run", epochs)) == whole
