"""What the README says runs: its Python in one go, its commands one by one."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_examples_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program = "\n".join(blocks("python"))
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "gradient_of_loss" in printed and "'accuracy'" in printed


def gradiente(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "from gradiente.cli.main import run; run()", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )


def test_the_main_job_learns_the_penguins(tmp_path):
    assert "pip install -e . && gradiente train penguins" in README
    output = gradiente("train", "penguins", folder=tmp_path).stdout
    accuracy = float(re.search(r"accuracy\s+([\d.]+)", output)[1])
    assert accuracy >= 0.97


@pytest.fixture
def houses(tmp_path) -> Path:
    random = np.random.default_rng(0)
    for name, rows in (("houses", 300), ("more_houses", 50), ("new_houses", 20)):
        rooms, area = random.integers(1, 9, rows), random.uniform(30, 250, rows).round(1)
        price = 1000 * area + 20_000 * rooms
        lines = [f"{r},{a},{p:.0f}" for r, a, p in zip(rooms, area, price, strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["rooms,area,price", *lines]) + "\n")
    return tmp_path


def test_the_commands_for_a_table_of_ones_own_run(houses):
    commands = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("gradiente ")
    ]
    assert len(commands) == 5
    for command in commands:
        gradiente(*shlex.split(command)[1:], folder=houses)
    assert (houses / "prices.csv").read_text(encoding="utf-8").count("\n") == 21
