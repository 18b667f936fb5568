"""Records: medians, ratios, and the way to JSON and back."""

import json
from dataclasses import replace

import pytest

from benchmarks.results import SCHEMA, read


def test_figures_of_a_comparison(results):
    comparison = results.comparisons[0]
    assert comparison.ours.median == 10e-6 and comparison.ours.minimum == 9e-6
    assert comparison.ours.spread == pytest.approx(0.3)
    assert comparison.best_peer.library == "jax.scan"
    assert comparison.ratio(comparison.best_peer) == pytest.approx(3.1)
    rate = comparison.workload.flops / 10e-6
    assert comparison.rate(comparison.ours) == pytest.approx(rate)
    assert comparison.share(comparison.ours) == pytest.approx(rate / 234e9)


def test_who_computes_something_else_is_not_the_best(results):
    assert results.comparisons[1].best_peer.library == "jax.scan"


def test_a_run_is_sound_if_nothing_failed_and_all_compute_the_same(results):
    first, second = results.comparisons
    assert first.sound and not second.sound
    broken = replace(first, failed={"jax.jit": "it died"})
    assert not broken.sound and list(broken.absent) == ["torch.compile", "jax.jit"]


def test_without_ours_there_is_no_ratio(results):
    first = results.comparisons[0]
    alone = type(first)(first.workload, first.timings[1:])
    assert alone.ours is None and alone.ratio(alone.timings[0]) is None
    assert alone.share(alone.timings[0]) is None


def test_a_file_is_read_as_it_was_written(results, tmp_path):
    path = tmp_path / "new" / "results.json"
    results.write(path)
    assert json.loads(path.read_text())["schema"] == SCHEMA
    again = read(path)
    assert again.comparisons == results.comparisons and again.startups == results.startups
    assert again.command == results.command and again.machine.title == results.machine.title


def test_every_kind_of_network_is_read_as_it_was_written(results, small, tmp_path):
    path = tmp_path / "results.json"
    comparison = replace(results.comparisons[0], workload=small)
    replace(results, comparisons=(comparison,)).write(path)
    assert read(path).comparisons == (comparison,)


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('{"schema": 0}')
    with pytest.raises(ValueError, match="has schema 0, not 2"):
        read(path)
