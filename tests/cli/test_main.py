"""The console command as a whole: help, version, exit statuses, interrupts."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gradiente.base.version import __version__
from gradiente.cli import train as train_module
from gradiente.cli.run_folder import FILES, UNFINISHED, read_run

PYTHON = [sys.executable, "-c", "from gradiente.cli.main import run; run()"]


def start(folder, *arguments):
    return subprocess.Popen(
        [*PYTHON, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "GRADIENTE_CHECK": "0"},
    )


def test_version(command):
    assert command("--version").out == f"gradiente {__version__}\n"


@pytest.mark.parametrize("name", ["train", "evaluate", "predict", "summary", "report"])
def test_help_teaches_with_examples(command, name):
    result = command(name, "--help")
    assert result.status == 0
    examples = [line for line in result.out.splitlines() if f"gradiente {name} " in line]
    assert all(line.count("gradiente") == 1 for line in examples[1:])
    assert len(examples) >= 2


def test_help_without_arguments(command):
    assert "gradiente train penguins" in command("--help").out
    assert "gradiente train penguins" in command().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "trian"),
        (["train", "iris", "--epochs"], "--epochs"),
        (["predict"], "RUN"),
        (["train", "iris", "--target"], "--target"),
    ],
)
def test_wrong_use_is_one_sentence(refused, arguments, message):
    assert message in refused(*arguments)


def test_an_interrupt_outside_training_is_quiet(command, monkeypatch, tmp_path):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(train_module, "prepare", interrupted)
    result = command("train", "iris")
    assert (result.status, result.out, result.err) == (130, "", "")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_during_training_keeps_the_best_weights(tmp_path):
    began = time.monotonic()
    process = start(tmp_path, "train", "penguins", "--epochs", "100000", "--patience", "100000")
    for line in process.stdout:
        if line.startswith("training"):
            break
    # By then it has compiled and trained, however slow the machine is that got it here.
    time.sleep(1.0 + 2 * (time.monotonic() - began))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped: interrupted by the user" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["penguins-run"]
    run = read_run(tmp_path / "penguins-run")
    assert run.outcome.epochs > 1
    names = {path.name for path in (tmp_path / "penguins-run").iterdir()}
    assert names == {*FILES, UNFINISHED}


def test_the_console_script_ends_with_its_status(tmp_path):
    process = start(tmp_path, "train", "nowhere.csv")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == "gradiente: there is no file nowhere.csv.\n"


def test_a_reader_that_stops_reading_is_no_error(penguins_run, tmp_path):
    command = [*PYTHON, "predict", str(penguins_run), "penguins"]
    line = " ".join(f"'{part}'" for part in command) + " | head -1"
    result = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.startswith("species,island")
    assert result.stderr == ""


def test_a_terminal_that_knows_few_characters(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    process = start(tmp_path, "train", "iris", "--epochs", "1")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
