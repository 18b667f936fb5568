"""Workers: what they answer, and that one which fails or dies is understood."""

import numpy as np
import pytest

from benchmarks.process import HINDRANCES, Process, ProcessFailed, environment
from benchmarks.training import Unsuitable
from benchmarks.worker import Worker, first_line
from benchmarks.workloads import perceptron

TINY = perceptron("tiny", 3, 4, 2, batch=2, batches=5)


@pytest.fixture(scope="module")
def process():
    with Process("gradiente") as process:
        yield process


def test_a_worker_prepares_trains_and_tells_its_losses(process):
    assert process.prepare(TINY) == ""
    losses = process.losses(2)
    assert len(losses) == 2 and np.isfinite(losses).all()
    answer = process.train(3)
    assert answer["seconds"] > 0 and answer["idle"] >= 0
    memory = process.ask("memory")
    assert memory is None or memory > 1e6


def test_an_error_in_a_worker_is_told_and_survived(process):
    with pytest.raises(ProcessFailed, match="gradiente fails to prepare: KeyError: 'unknown'"):
        process.ask("prepare", library="unknown", workload=TINY.record())
    process.prepare(TINY)


def test_what_a_library_cannot_do_is_told():
    with (
        Process("sklearn") as process,
        pytest.raises(Unsuitable, match="have a hidden layer"),
    ):
        process.prepare(perceptron("linear", 3, 4, batch=2, batches=5))


def test_a_worker_that_dies_is_noticed():
    with Process("torch") as process:
        process.worker.kill()
        with pytest.raises(ProcessFailed, match=r"torch ended while it was to train \(status -?\d"):
            process.train(1)


def test_a_worker_ends_when_it_is_closed():
    with Process("torch") as process:
        pass
    assert process.worker.returncode == 0
    process.close()  # again


def test_nothing_can_be_trained_unprepared():
    assert "nothing has been prepared" in Worker().answer({"do": "train", "epochs": 1})["error"]


def test_a_process_finds_no_hindrances(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("KEPT", "yes")
    found = environment(MORE="2")
    assert not set(HINDRANCES) & set(found)
    assert found["KEPT"] == "yes" and found["MORE"] == "2"


def test_of_a_long_error_the_first_line_is_told():
    assert first_line(ValueError("\nfirst\nsecond")) == "first"
    assert first_line(ValueError()) == ""
