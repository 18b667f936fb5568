"""Runs on the disk: complete, or refused with the name of the file at fault."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from gradiente.base.errors import RunError
from gradiente.cli.options import TrainOptions
from gradiente.cli.run_folder import FILES, free_name, read_run


def test_a_run_is_read_back_as_it_was(penguins_run):
    run = read_run(penguins_run)
    assert isinstance(run.options, TrainOptions)
    assert run.preprocessing.target.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert len(run.history) == run.outcome.epochs == 12
    weights = load((penguins_run / "weights.safetensors").read_bytes())
    assert {name: array.shape for name, array in run.trainer.network.state().items()} == {
        name: array.shape for name, array in weights.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(own_run, refused, name):
    (own_run / name).unlink()
    assert f"is not a complete run: {name} is missing" in refused("summary", own_run)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"\x00\xff garbage " * 10,
        lambda content: b"[]\n",
    ],
    ids=["empty", "truncated", "garbage", "other"],
)
def test_a_damaged_file_is_named(own_run, refused, name, damage):
    file = own_run / name
    file.write_bytes(damage(file.read_bytes()))
    for command in (("summary", own_run), ("evaluate", own_run, "penguins")):
        message = refused(*command)
        assert name in message


def test_weights_that_do_not_fit_are_refused(own_run):
    file = own_run / "weights.safetensors"
    weights = load(file.read_bytes())
    first = next(iter(weights))
    for changed in (
        {**weights, first: weights[first][:-1].copy()},
        {name: array for name, array in weights.items() if name != first},
        {**weights, "9.weight": weights[first]},
        {**weights, first: np.full_like(weights[first], np.nan)},
    ):
        file.write_bytes(save(changed))
        with pytest.raises(RunError, match=r"weights\.safetensors is damaged"):
            read_run(own_run)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('activation = "relu"', 'activation = "rellu"'),
        ("hidden = [16]", "hidden = [17]"),
        ('data = "penguins"', ""),
        ('loss = "cross_entropy"', 'loss = "mse"'),
        ("seed = 0", "seed = 0\nsurplus = 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(own_run, old, new):
    file = own_run / "config.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(RunError, match=r"is damaged"):
        read_run(own_run)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(st.sampled_from(FILES), st.integers(0, 10**6), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(penguins_run, tmp_path, name, position, value):
    """Whatever happens to a file, reading it raises nothing but `RunError`."""
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    for each in FILES:
        (folder / each).write_bytes((penguins_run / each).read_bytes())
    content = bytearray((folder / name).read_bytes())
    content[position % len(content)] = value
    (folder / name).write_bytes(content)
    try:
        read_run(folder)
    except RunError as error:
        assert str(folder) in str(error)


def test_no_code_is_in_a_run(penguins_run):
    json.loads((penguins_run / "preprocessing.json").read_text())
    json.loads((penguins_run / "metrics.json").read_text())
    assert load((penguins_run / "weights.safetensors").read_bytes())


def test_names_that_are_free(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(free_name("iris")) == "iris-run"
    (tmp_path / "iris-run").mkdir()
    (tmp_path / "iris-run-2").mkdir()
    assert str(free_name("iris")) == "iris-run-3"
