"""What the tests of the command line share: running a command, and a run to try things on."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from gradiente.cli.main import main

Result = namedtuple("Result", ["status", "out", "err"])


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run the command line in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def command(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Result(status, *capsys.readouterr())

    return command


@pytest.fixture
def refused(command, tmp_path):
    """Run a command that must fail: one sentence, exit status 2, and nothing left behind."""

    def refused(*arguments):
        before = everything_in(tmp_path)
        result = command(*arguments)
        assert result.status == 2
        assert result.err.startswith("gradiente: ")
        assert result.err.count("\n") == 1
        assert "Traceback" not in result.err
        assert everything_in(tmp_path) == before
        return result.err

    return refused


def everything_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="session")
def penguins_run(tmp_path_factory):
    """A run trained on the penguins for a few epochs; not to be changed."""
    folder = tmp_path_factory.mktemp("shared") / "run"
    before = Path.cwd()
    os.chdir(folder.parent)
    try:
        options = ["--epochs", "12", "--hidden", "16", "--output", str(folder)]
        assert main(["train", "penguins", *options]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def own_run(penguins_run, tmp_path):
    """A copy of that run that may be changed."""
    return Path(shutil.copytree(penguins_run, tmp_path / "run"))


@pytest.fixture
def csv(tmp_path):
    """Write a CSV file and return its name."""

    def csv(text, name="table.csv"):
        (tmp_path / name).write_text(text)
        return name

    return csv
