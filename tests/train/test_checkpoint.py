"""Saving and loading: bit for bit, whole or not at all, and never anything but our own error."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.base.errors import GradienteError, RunError, TypeMismatchError
from gradiente.train.callbacks import Callback
from gradiente.train.checkpoint import Facts, Saved, read_checkpoint, write_checkpoint
from gradiente.train.history import History
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(51)
X = RANDOM.normal(size=(45, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
PARTS = ("state", "history", "facts")
FIT = {"batch_size": 10, "validation": (X[:12], Y[:12])}


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.3), nn.Dense(2))


def optimizer(rate=None):
    return optimizers.AdamW(rate or schedules.warmup(schedules.cosine(0.05, 30), 5))


def made(**options):
    options = {"optimizer": optimizer(), "metrics": [metrics.accuracy], **options}
    return Trainer(network(), losses.cross_entropy, **options)


def loaded(path, net=None, **options):
    options = {"optimizer": optimizer(), "metrics": [metrics.accuracy], **options}
    return Trainer.load(path, net=net or network(), loss=losses.cross_entropy, **options)


def without_time(history):
    return [{name: v for name, v in row.items() if name != "seconds"} for row in history]


def assert_same_state(first, second):
    def flat(tree, prefix=""):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}/")
            else:
                yield prefix + name, np.asarray(value)

    first, second = dict(flat(first)), dict(flat(second))
    first = {name: v for name, v in first.items() if not name.startswith("sums/")}
    second = {name: v for name, v in second.items() if not name.startswith("sums/")}
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
        assert value.dtype == second[name].dtype


@pytest.fixture
def saved(tmp_path):
    """A file, and the trainer it was written by."""
    trainer = made(seed=6)
    trainer.fit(X, Y, epochs=2, **FIT)
    trainer.save(tmp_path / "run")
    return tmp_path / "run", trainer


# -- exact continuation --------------------------------------------------------------------------

CASES = {
    "schedule": {},
    "plateau": {"optimizer": lambda: optimizer(schedules.ReduceOnPlateau(0.2, patience=0))},
    "clipping and accumulation": {"clip_norm": 0.5, "accumulate": 3},
    "groups": {
        "optimizer": lambda: optimizers.groups(
            {"0.*": optimizers.SGD(0.1, momentum=0.9), "*": optimizers.Adam(0.01)}
        )
    },
}


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_trainer_continues_bit_for_bit(case, tmp_path):
    def options():
        return {name: v() if callable(v) else v for name, v in CASES[case].items()}

    whole = made(seed=6, **options())
    whole.fit(X, Y, epochs=6, **FIT)
    first = made(seed=6, **options())
    first.fit(X, Y, epochs=2, **FIT)
    first.save(tmp_path / "run")
    own = {name: v for name, v in options().items() if name != "accumulate"}
    second = loaded(tmp_path / "run", **own)
    assert_same_state(
        {k: v for k, v in second.state.items() if k != "accumulated"},
        {k: v for k, v in first.state.items() if k != "accumulated"},
    )
    second.fit(X, Y, epochs=1, **FIT)
    second.save(tmp_path / "run")  # in place of the old one
    third = loaded(tmp_path / "run", **own)
    third.fit(X, Y, epochs=3, **FIT)
    assert_same_state(third.state, whole.state)
    assert without_time(third.history) == without_time(whole.history)
    np.testing.assert_array_equal(third.predict(X), whole.predict(X))


def test_a_file_saved_by_a_callback_resumes_where_the_fit_was(tmp_path):
    whole = made(seed=6)
    options = {"epochs": 5, "early_stopping": 4, **FIT}

    def keep(trainer, row):
        if row["epoch"] == 3:
            trainer.save(tmp_path / "run")

    whole.fit(X, Y, epochs=5, callbacks=[keep], **FIT)
    resumed = loaded(tmp_path / "run")
    assert resumed.history["epoch"] == [1, 2, 3]
    resumed.fit(X, Y, **{**options, "epochs": 2, "early_stopping": None})
    assert_same_state(resumed.state, whole.state)
    assert without_time(resumed.history) == without_time(whole.history)


def test_another_process_continues_the_same(saved, tmp_path):
    path, trainer = saved
    program = (
        f"import sys; sys.path[:0] = {[*sys.path, __file__.rpartition('/')[0]]!r}\n"
        "import test_checkpoint as t\n"
        f"trainer = t.loaded({str(path)!r})\n"
        "trainer.fit(t.X, t.Y, epochs=2, **t.FIT)\n"
        f"trainer.save({str(tmp_path / 'other')!r})\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    trainer.fit(X, Y, epochs=2, **FIT)
    assert_same_state(loaded(tmp_path / "other").state, loaded_again(trainer, tmp_path).state)


def loaded_again(trainer, tmp_path):
    trainer.save(tmp_path / "again")
    return loaded(tmp_path / "again")


def test_the_network_is_usable_at_once(saved):
    path, trainer = saved
    again = loaded(path)
    np.testing.assert_array_equal(again.predict(X), trainer.predict(X))
    assert again.evaluate(X, Y) == trainer.evaluate(X, Y)
    assert again.network.count == trainer.network.count
    assert list(again.network.buffers()) == ["1.running_mean", "1.running_variance"]
    assert again.history == trainer.history


def test_network_may_be_the_second_argument(saved):
    path, _ = saved
    again = Trainer.load(path, network(), loss=losses.cross_entropy, optimizer=optimizer())
    assert len(again.history) == 2


def test_seed_and_accumulation_come_from_the_file_unless_given(saved):
    path, _ = saved
    assert loaded(path)._learner.recipe.seed == 6
    other = loaded(path, seed=9, accumulate=2)
    assert (other._learner.recipe.seed, other._learner.recipe.accumulate) == (9, 2)
    other.fit(X, Y, epochs=1)


def test_frozen_parameters_and_buffers_of_own_layers_are_remembered(tmp_path):
    class Count(nn.Module):
        def __init__(self):
            self.dense, self.seen = nn.Dense(2), None

        def __call__(self, x):
            seen = self.buffer("seen", np.zeros(1, np.float32))
            self.seen = seen + 1.0
            return self.dense(x)

    trainer = Trainer(Count(), losses.cross_entropy)
    trainer.network.initialize(X)
    trainer.network.freeze("dense.bias")
    trainer.fit(X, Y, epochs=2, batch_size=45)
    trainer.save(tmp_path / "run")
    again = Trainer.load(tmp_path / "run", net=Count(), loss=losses.cross_entropy)
    assert list(again.network.buffers()) == ["seen"]
    assert list(again.network.parameters(trainable=False)) == ["dense.bias"]
    for each in (trainer, again):
        each.fit(X, Y, epochs=1, batch_size=45)
    assert again.network.seen == [3.0]
    assert_same_state(again.state, trainer.state)


@pytest.mark.parametrize("name", ["a/b", "~", "a~1b", "/", "ä ö", "a.b"])
def test_any_name_of_a_parameter_is_kept(name, tmp_path):
    class Named(nn.Module):
        def __init__(self):
            self.table = {name: np.ones((4, 2), np.float32), "other": np.zeros(2, np.float32)}

        def __call__(self, x):
            return x @ self.table[name] + self.table["other"]

    trainer = Trainer(Named(), losses.cross_entropy)
    trainer.fit(X, Y, epochs=1)
    trainer.save(tmp_path / "run")
    again = Trainer.load(tmp_path / "run", net=Named(), loss=losses.cross_entropy)
    for path, value in trainer.weights().items():
        np.testing.assert_array_equal(again.weights()[path], value)


def test_float64_numbers_without_axes_and_empty_levels_are_kept(tmp_path):
    state = {
        "parameters": {"w": np.array(1.5), "v": np.zeros((2, 0))},
        "fixed": {},
        "buffers": {},
        "optimizer": {"step": np.array(3)},
        "deep": {"empty": {}, "f16": np.ones(2, np.float16), "b": np.array([True])},
        "number": np.float64(3.25),
    }
    history = History([{"epoch": 1, "loss": float("nan"), "matrix": [[1, 2], [3, 4]]}], "why")
    write_checkpoint(tmp_path / "run", Saved(state, history, Facts(1, 2, "SGD")))
    found, again, facts = (getattr(read_checkpoint(tmp_path / "run"), part) for part in PARTS)
    assert_same_state(found, state)
    assert found["fixed"] == {} and found["deep"]["empty"] == {}
    assert facts == Facts(1, 2, "SGD")
    assert repr(again.rows) == repr(history.rows) and again.stopped == "why"


# -- files ---------------------------------------------------------------------------------------


def test_damage_anywhere_is_noticed(saved, tmp_path):
    """Every byte that counts: a flipped one is an error, or changes nothing at all."""
    path, trainer = saved
    content = path.read_bytes()
    damaged = tmp_path / "damaged"
    noticed = 0
    places = {*range(0, 200), *range(200, len(content), max(1, len(content) // 300))}
    for place in sorted(places):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        damaged.write_bytes(flipped)
        try:
            found = read_checkpoint(damaged)
        except RunError as error:
            assert str(damaged) in str(error)
            noticed += 1
        else:
            assert_same_state(found.state, trainer._learner.resumable())
            assert found.history == trainer.history
    assert noticed > 0.98 * len(places)


def test_truncation_anywhere_is_noticed(saved, tmp_path):
    path, _ = saved
    content = path.read_bytes()
    for length in {0, 1, 7, 8, 9, *range(10, len(content), 97), len(content) - 1}:
        cut = tmp_path / "cut"
        cut.write_bytes(content[:length])
        with pytest.raises(RunError, match="is not an intact checkpoint"):
            read_checkpoint(cut)
    cut.write_bytes(content + b"x")
    with pytest.raises(RunError):
        read_checkpoint(cut)


def foreign(**metadata):
    return save({"a": np.ones(2)}, metadata=metadata or None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"epoch,loss\n1,2\n",
        b"\x80\x04\x95pickle",
        b"\xff" * 100,
        (2**63 - 1).to_bytes(8, "little") + b"{}",
        foreign(),
        foreign(gradiente="no JSON"),
        foreign(gradiente="[]"),
        foreign(gradiente="{}"),
        foreign(gradiente='{"order": ["b"]}', sha256="x"),
        foreign(gradiente='{"order": 3}', sha256="x"),
        foreign(
            gradiente='{"order": [], "history": [{"epoch": "x"}], "stopped": null}', sha256="x"
        ),
        foreign(gradiente="[" * 100000, sha256="x"),
    ],
)
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"{path} is "):
        loaded(path)


def position(**changes):
    numbers = {"epoch": 3, "batches": 1, "batch_size": 10, "samples": 45, "shuffle": True}
    return {**numbers, **changes}


def unfinished(**changes):
    words = {"batch_size": 10, "samples": 45, "shuffle": True, "seconds": 0.5, "best_loss": 1.0}
    return {**words, "best_is_now": True, "flow": [], "callbacks": {"dict": {}}, **changes}


def test_forged_checkpoints_are_refused(saved, tmp_path):
    """With a right seal, but other things in it."""
    from safetensors import safe_open

    path, _ = saved
    with safe_open(str(path), framework="numpy") as file:
        text = json.loads(file.metadata()["gradiente"])
        arrays = {name: file.get_tensor(name) for name in text["arrays"]}

    def forged(order=tuple(text["arrays"]), **changes):
        kept = {name: arrays[name] for name in order}
        sums = {name: text["arrays"][name] for name in order}
        words = json.dumps({**text, "arrays": sums, **changes})
        other = tmp_path / "forged"
        seal = hashlib.sha256(words.encode()).hexdigest()
        other.write_bytes(save(kept, metadata={"gradiente": words, "sha256": seal}))
        return other

    assert len(loaded(forged()).history) == 2  # the forger is good at it
    assert loaded(forged(unfinished=unfinished()))._learner.unfinished.best is not None
    some = [name for name in text["arrays"] if not name.startswith("parameters/0.weight")]
    for changes in (
        {"format": "gradiente checkpoint 4"},
        {"arrays": dict.fromkeys(arrays, "0" * 64)},
        {"arrays": {}},
        {"position": [1, 2]},
        {"position": position(epoch=0)},
        {"position": position(epoch=9)},  # not the one after the history
        {"position": position(batches=6)},
        {"position": position(batches=True)},
        {"position": position(shuffle=None)},
        {"position": position(learning_rate="high")},
        {"position": position(stopping=1)},
        {"unfinished": []},
        {"unfinished": unfinished(samples="45")},
        {"unfinished": unfinished(seconds=None)},
        {"unfinished": unfinished(callbacks={"array": 0})},
        {"unfinished": unfinished(callbacks={"dict": {"A 1": {"dict": {"a": {"list": 0}}}}})},
        {"unfinished": unfinished(callbacks=[])},
        {"unfinished": unfinished(flow=[{"0": [1.0]}])},
        {"unfinished": unfinished(flow=[{"0": [1.0] * 6}, {"1": [1.0] * 6}])},
        {"unfinished": unfinished(flow=[{"0": [1.0] * 6}, 1])},
        {"facts": {"seed": 1}},
        {"facts": {"seed": -1, "accumulate": 1, "optimizer": ""}},
        {"facts": {"seed": "a", "accumulate": 1, "optimizer": ""}},
        {"facts": []},
        {"history": [{"loss": 1.0}]},
        {"history": {"a": 1}},
        {"stopped": 3},
        {"order": []},
        {"order": some},
        {"order": [name for name in text["arrays"] if not name.startswith("optimizer/")]},
        {"order": [name for name in text["arrays"] if not name.startswith("buffers/")]},
        {"order": [name for name in text["arrays"] if name != "batches"]},
    ):
        with pytest.raises(RunError):
            loaded(forged(**changes))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(RunError, match=f"there is no file {tmp_path / 'none'}"):
        loaded(tmp_path / "none")
    with pytest.raises(RunError, match="there is no checkpoint in the folder"):
        loaded(tmp_path)
    with pytest.raises(RunError, match="cannot be read: Is a directory"):
        read_checkpoint(tmp_path)


def test_a_network_that_does_not_fit_is_named(saved):
    path, _ = saved
    with pytest.raises(RunError, match=r"run does not fit this network: the network has no `1\.we"):
        loaded(path, net=nn.Sequential(nn.Dense(8), nn.relu))
    used = network().initialize(np.zeros((1, 3), np.float32))
    with pytest.raises(
        RunError, match=r"`0\.weight` has shape \(3, 8\) in the network, but \(4, 8"
    ):
        loaded(path, net=used)
    more = nn.Sequential(*network().layers, nn.Dense(1)).initialize(X)
    with pytest.raises(RunError, match=r"the state lacks 5\.weight, 5\.bias"):
        loaded(path, net=more)


def test_another_optimizer_is_named(saved):
    path, _ = saved
    with pytest.raises(RunError, match=r"was saved with the optimizer AdamW\(.*than SGD\("):
        loaded(path, optimizer=optimizers.SGD(0.1))
    plateau = optimizers.AdamW(schedules.ReduceOnPlateau(0.1))
    with pytest.raises(RunError, match="was saved with the optimizer"):
        loaded(path, optimizer=plateau)


def test_nothing_is_saved_before_there_is_anything():
    with pytest.raises(GradienteError, match="there is nothing to save yet: train first"):
        made().save("never")
    assert not os.path.exists("never")


def test_what_cannot_be_written_leaves_no_trace(saved, tmp_path):
    path, trainer = saved
    with pytest.raises(RunError, match="none/run cannot be written: No such file"):
        trainer.save(tmp_path / "none" / "run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="folder cannot be written: Is a directory"):
        trainer.save(tmp_path / "folder")
    before = path.read_bytes()
    trainer.history.rows[0]["strange"] = object()
    with pytest.raises(TypeMismatchError, match="`strange` in a row of the history"):
        trainer.save(path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "run"]


@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_a_disk_that_fails_is_told_of_and_leaves_the_old_file(fails, saved, monkeypatch):
    path, trainer = saved
    before = path.read_bytes()
    trainer.fit(X, Y, epochs=1, **FIT)

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(RunError, match="cannot be written: No space left on device"):
        trainer.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["run"]


def test_values_that_callbacks_add_to_the_history_are_saved(tmp_path):
    class Add(Callback):
        def on_epoch_end(self, trainer, row):
            row["extra"] = np.float32(1.5)

    trainer = made()
    trainer.fit(X, Y, epochs=1, callbacks=[Add()])
    trainer.save(tmp_path / "run")
    assert loaded(tmp_path / "run").history["extra"] == [1.5]
