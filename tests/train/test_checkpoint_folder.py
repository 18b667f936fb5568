"""The last checkpoints of a training: the newest intact one is found, whatever the disk did."""

import warnings

import numpy as np
import pytest

from gradiente.base.errors import DamagedCheckpointWarning, RunError
from gradiente.train.checkpoint import Facts, Saved, write_checkpoint
from gradiente.train.checkpoint_folder import checkpoints_in, next_path, prune, read_newest
from gradiente.train.history import History
from tests.base.faults import Crash, Disk


def saved(number):
    """What a file may hold, with a number by which it is known."""
    state = {"parameters": {"w": np.full(400, number, np.float32)}, "batches": np.array(number)}
    return Saved(state, History([{"epoch": number + 1, "loss": 1.0}]), Facts(number, 1, "SGD()"))


def write(folder, number, keep=3):
    path = next_path(folder)
    write_checkpoint(path, saved(number))
    prune(folder, keep)
    return path


def names(folder):
    return [path.name for path in checkpoints_in(folder)]


def read(folder):
    """The number of the newest one; all its parts are of one file."""
    _, found = read_newest(folder)
    number = found.facts.seed
    assert int(found.state["batches"]) == number
    assert np.all(found.state["parameters"]["w"] == number)
    assert found.history[-1]["epoch"] == number + 1
    return number


def test_the_last_ones_are_kept(tmp_path):
    folder = tmp_path / "a" / "run"
    for number in range(5):
        write(folder, number)
        assert read(folder) == number
    assert names(folder) == [f"checkpoint-{number:06d}.gradiente" for number in (3, 4, 5)]
    write(folder, 7, keep=1)
    assert names(folder) == ["checkpoint-000006.gradiente"]


def test_other_files_are_left_alone(tmp_path):
    for name in ("notes.txt", "checkpoint-best.gradiente", ".hidden", "checkpoint-1.gradiente"):
        (tmp_path / name).write_text("mine")
    for number in range(4):
        write(tmp_path, number, keep=2)
    assert (tmp_path / "notes.txt").exists() and (tmp_path / ".hidden").exists()
    assert len(list(tmp_path.iterdir())) == 4 + 2


def test_more_than_a_million_are_in_order(tmp_path):
    for number in (999999, 1000000):
        write_checkpoint(tmp_path / f"checkpoint-{number}.gradiente", saved(number))
    assert read(tmp_path) == 1000000
    assert next_path(tmp_path).name == "checkpoint-1000001.gradiente"


def test_a_damaged_one_is_told_of_and_an_older_one_used(tmp_path):
    paths = [write(tmp_path, number) for number in range(3)]
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    with pytest.warns(DamagedCheckpointWarning, match=r"000003.* Continuing from .*000002"):
        assert read(tmp_path) == 1
    content = bytearray(paths[1].read_bytes())
    content[-9] ^= 1
    paths[1].write_bytes(content)
    with pytest.warns(DamagedCheckpointWarning) as told:
        assert read(tmp_path) == 0
    assert len(told) == 2
    assert write(tmp_path, 9, keep=1).name == "checkpoint-000004.gradiente"
    assert read(tmp_path) == 9


def test_none_that_is_intact(tmp_path):
    with pytest.raises(RunError, match="there is no checkpoint in the folder"):
        read_newest(tmp_path)
    (tmp_path / "checkpoint-000001.gradiente").write_bytes(b"")
    with pytest.raises(RunError, match=r"has no intact checkpoint: .*000001"):
        read_newest(tmp_path)
    with pytest.raises(RunError, match="cannot be read"):
        read_newest(tmp_path / "none")


def test_truncation_at_every_512_bytes_loads_the_old_one(tmp_path):
    write(tmp_path, 1)
    path = write(tmp_path, 2)
    content = path.read_bytes()
    for length in {*range(0, len(content), 512), len(content) - 1}:
        path.write_bytes(content[:length])
        with pytest.warns(DamagedCheckpointWarning):
            assert read(tmp_path) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Crash()])
def test_whatever_operation_fails_there_is_an_old_one_or_the_new_one(error, tmp_path, monkeypatch):
    """A sequence of checkpoints is interrupted at its n-th operation, for every n."""
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        for number in range(4):
            write(tmp_path / "all", number, keep=2)
    assert disk.done > 4 * 5
    for n in range(1, disk.done + 1):
        folder, written = tmp_path / str(n), []
        with monkeypatch.context() as patch:
            Disk(patch, fails=n, error=error)
            with pytest.raises((type(error), RunError)):
                for number in range(4):
                    write(folder, number, keep=2)
                    written.append(number)
        if not written and not folder.exists():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing is damaged, so nothing is told of
            if written or checkpoints_in(folder):
                assert read(folder) in (len(written) - 1, len(written))
        write(folder, 8, keep=2)
        assert read(folder) == 8
        assert len(list(folder.iterdir())) <= 2  # and nothing is left lying about
