"""An interrupted training goes on as if nothing had happened."""

import os
import signal

import pytest

from gradiente.cli import train as train_module
from gradiente.cli import unfinished
from gradiente.cli.run_folder import FILES, UNFINISHED
from gradiente.cli.unfinished import KeepUnfinished

OPTIONS = ("--epochs", "6", "--hidden", "8", "--batch-size", "16", "--patience", "3")


@pytest.fixture
def interrupted_after(monkeypatch):
    """Let a signal come in the middle of the epoch after a number of them."""

    def interrupted_after(epochs, sent=signal.SIGINT):
        def send(self, trainer, epoch):
            if epoch == epochs + 1:
                os.kill(os.getpid(), sent)

        monkeypatch.setattr(KeepUnfinished, "on_epoch_begin", send)

    return interrupted_after


def weights(run):
    return (run / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_is_resumed_to_the_same_bits(
    command, tmp_path, interrupted_after, monkeypatch, sent
):
    assert command("train", "iris", *OPTIONS, "--output", "whole").status == 0
    interrupted_after(2, sent)
    result = command("train", "iris", *OPTIONS, "--output", "run")
    assert result.status == 0
    assert "gradiente train --resume run" in result.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*FILES, UNFINISHED}
    assert command("evaluate", "run", "iris").status == 0
    assert weights(tmp_path / "run") != weights(tmp_path / "whole")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    resumed = command("train", "--resume", "run")
    assert resumed.status == 0 and "--resume" not in resumed.out
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(FILES)


def test_a_training_that_was_killed_is_resumed(command, tmp_path, monkeypatch):
    assert command("train", "iris", *OPTIONS, "--output", "whole").status == 0

    def killed(folder, run):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(unfinished, "MINUTE", 0.0)
        patch.setattr(train_module, "write_run", killed)
        assert command("train", "iris", *OPTIONS, "--output", "run").status == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.unfinished", "whole"]
    assert command("train", "--resume", "run").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


def test_what_cannot_be_resumed(refused, own_run):
    assert "was not interrupted" in refused("train", "--resume", own_run)
    assert "there is no interrupted training nowhere" in refused("train", "--resume", "nowhere")
    assert "leave out epochs" in refused("train", "--resume", own_run, "--epochs", "3")
    assert "leave out data" in refused("train", "iris", "--resume", own_run)


def test_before_the_first_epoch_there_is_nothing_to_keep(command, tmp_path, interrupted_after):
    interrupted_after(0)
    assert command("train", "iris", *OPTIONS).status == 130
    assert list(tmp_path.iterdir()) == []
