"""The comparison of the estimators, on one small table and one epoch."""

from benchmarks import estimators
from benchmarks.estimators import compare, lines


def test_both_libraries_fit_all_folds_from_all_seeds():
    for fits in compare("iris", max_iter=1):
        assert 0 <= fits.score <= 1
        assert fits.epochs == 1
        assert fits.seconds > 0 and fits.first > 0 and fits.processor > 0


def test_a_row_is_printed_for_each_table(monkeypatch):
    measured = estimators.compare
    monkeypatch.setattr(estimators, "compare", lambda table: measured(table, max_iter=1))
    head, rule, row = lines(["diabetes"])
    assert head.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| diabetes | ") and "| 1 : 1 |" in row
