"""`gd.profile` and `fit(profile=True)`: time by kernel and by the user's lines."""

import json

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn
from gradiente.backends.profile import Entry, Profile, merged
from gradiente.base.errors import InvalidArgumentError, RunError

W, X = np.ones((30, 20), np.float32), np.ones((40, 30), np.float32)


def objective(w, x):
    hidden = np.tanh(x @ w)
    return np.mean(hidden**2)


LINE = objective.__code__.co_firstlineno


@pytest.fixture(params=["native", "numpy"])
def backend(request):
    return request.param


def test_it_names_operations_and_lines(backend):
    profile = gd.profile(gd.compile(objective, backend=backend), W, X, repeats=3)
    assert (profile.backend, profile.runs) == (backend, 3)
    row = next(row for row in profile.rows if row["operations"][0] == "matmul")
    assert row["name"].startswith("matmul_")
    assert row["lines"][0] == f"test_profile.py:{LINE + 1}  hidden = np.tanh(x @ w)"
    assert row["calls"] == 3
    assert row["gflops"] > 0 and row["gigabytes_per_second"] > 0
    lines = " ".join(line for row in profile.rows for line in row["lines"])
    assert f"test_profile.py:{LINE + 2}  return np.mean(hidden**2)" in lines


def test_shares_add_up_and_rows_are_sorted(backend):
    profile = gd.profile(gd.compile(objective, backend=backend, threads=2), W, X)
    shares = [row["share"] for row in profile.rows]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert 0 <= profile.waiting <= 1
    total = sum(row["milliseconds"] for row in profile.rows)
    assert total == pytest.approx(1e3 * profile.seconds)


def test_a_plain_function_and_keywords():
    profile = gd.profile(lambda *, x, w: x @ w, x=X, w=W, repeats=1)
    assert [row["operations"] for row in profile.rows if row["calls"]] == [["matmul"]]


def test_the_number_of_runs_is_checked():
    with pytest.raises(InvalidArgumentError, match="repeats"):
        gd.profile(objective, W, X, repeats=0)


def test_text_html_and_file(tmp_path):
    profile = gd.profile(objective, W, X, repeats=2)
    text = str(profile)
    assert text.startswith("Profile of 2 runs on the native backend: ")
    assert "hidden = np.tanh(x @ w)" in text and "matmul_" in text and "GFLOP/s" in text
    assert max(map(len, text.splitlines())) < 200
    assert "hidden = np.tanh(x @ w)" in profile._repr_html_()
    path = tmp_path / "profile.json"
    profile.save(path)
    assert json.loads(path.read_text())["rows"] == profile.rows
    with pytest.raises(RunError, match="cannot be written"):
        profile.save(tmp_path)


def test_long_profiles_are_cut():
    entries = tuple(
        Entry(f"add_{i}", ("add",), ("a.py:1  " + "x" * 200, *map(str, range(9))), 1, 1.0, 1.0)
        for i in range(30)
    )
    text = str(Profile(entries, 30.0, 1, 1, "native"))
    assert text.endswith("... and 10 more: 33.3%")
    assert text.count("... and 8 more lines") == 20
    assert "x..." in text and "x" * 80 not in text


def test_programs_are_merged_by_operations_and_lines():
    def entry(name, seconds, *lines):
        return Entry(name, ("add",), lines, 1, seconds, seconds, flops=2)

    first = Profile((entry("add_0", 1.0, "a"), entry("add_1", 2.0, "a")), 3.0, 1, 1, "native")
    second = Profile((entry("add_7", 4.0, "a"), entry("add_8", 8.0, "b")), 12.0, 2, 2, "native")
    both = merged([first, second])
    assert [(e.name, e.seconds, e.calls, e.flops) for e in both.entries] == [
        ("add_7", 5.0, 2, 4),
        ("add_1", 2.0, 1, 2),
        ("add_8", 8.0, 1, 2),
    ]
    assert (both.elapsed, both.runs, both.threads) == (15.0, 3, 2)


def data():
    random = np.random.default_rng(0)
    return random.normal(size=(40, 5)).astype(np.float32), random.integers(0, 3, 40)


def trainer(backend="native", **options):
    network = nn.Sequential(nn.Dense(8), nn.relu, nn.Dense(3))
    return gd.Trainer(network, losses.cross_entropy, backend=backend, **options)


def fit(trainer, **options):
    return trainer.fit(*data(), epochs=2, batch_size=16, verbose=False, **options)


def test_training_is_the_same_and_names_its_parts(backend):
    plain, profiled = trainer(backend), trainer(backend)
    assert fit(plain).profile is None
    profile = fit(profiled, profile=True).profile
    assert profiled.history["loss"] == plain.history["loss"]
    for path, value in plain.weights().items():
        np.testing.assert_array_equal(profiled.weights()[path], value)
    assert profile.runs == 2 * 3
    lines = [line for row in profile.rows for line in row["lines"]]
    for part in ("in the optimizer", "in the loss", "in the metrics", "in layer `0`"):
        assert any(part in line for line in lines), part
    assert sum(row["share"] for row in profile.rows) == pytest.approx(1)
    assert fit(profiled).profile is None


def test_both_kinds_of_steps_are_profiled():
    profile = fit(trainer(accumulate=2), profile=True).profile
    assert profile.runs == 2 * 3
    assert any("in the optimizer" in line for row in profile.rows for line in row["lines"])


def test_it_is_printed_unless_training_is_silent(capsys):
    model = trainer()
    fit(model, profile=True)
    assert capsys.readouterr().out == ""
    model.fit(*data(), epochs=1, profile=True)
    assert capsys.readouterr().out == f"{model.history.profile}\n"


def test_compilations_are_counted_and_shown():
    model = trainer()
    history = fit(model)
    assert history.compilations.variants == 1  # for both sizes of batches
    assert history.compilations.compiled + history.compilations.from_cache == 1
    assert history.compilations.seconds > 0
    assert repr(history).splitlines()[-1] == f"Compilations: {history.compilations}"
    assert f"Compilations: {history.compilations}" in history._repr_html_()
    assert repr(model.step).startswith("<compiled steps of update: native, 1 variant, ")
    before = history.compilations
    assert fit(model).compilations == before
    assert fit(model, profile=True).compilations.variants == 2
