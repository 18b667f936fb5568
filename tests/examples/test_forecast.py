"""The forecast, small, on a series of which the answer is known."""

import re

import numpy as np
import pytest

from tests.examples.loading import load

SMALLER = {"UNITS": 4, "EPOCHS": 3, "NETWORKS": 2}


@pytest.fixture
def example():
    return load("forecast", **SMALLER)


@pytest.fixture
def series():
    """20 years that grow faster in every second one."""
    month = np.arange(240)
    return 300 + 0.1 * month + 3 * np.sin(2 * np.pi * month / 12) + np.sin(2 * np.pi * month / 24)


@pytest.fixture
def folder(series, tmp_path):
    """The series with two measurements in a month, and one month without."""
    lines = ["date,co2"]
    for number, value in enumerate(series):
        year, month = 1960 + number // 12, 1 + number % 12
        known = ("", "") if number == 30 else (value - 0.1, value + 0.1)
        lines += [
            f"{year}{month:02}{day},{each}" for day, each in zip((11, 25), known, strict=True)
        ]
    (tmp_path / "co2.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_weeks_become_months(example, folder, series):
    months, means = example.monthly(folder)
    assert months[0] == np.datetime64("1960-01") and months[-1] == np.datetime64("1979-12")
    expected = np.where(np.arange(240) == 30, (series[29] + series[31]) / 2, series)
    np.testing.assert_allclose(means, expected, rtol=1e-12)


def test_windows_are_followed_by_their_year(example):
    x, y = example.windows(np.arange(50.0))
    assert x.shape == (3, 36, 1) and y.shape == (3, 12)
    np.testing.assert_array_equal(x[1, :, 0], np.arange(1, 37))
    np.testing.assert_array_equal(y[1], np.arange(37, 49))


@pytest.mark.parametrize("years", [1, 6])
def test_a_forecast_knows_nothing_of_its_year(example, series, years):
    months = 12 * years  # the first year of these is forecast from those before it
    changed = series.copy()
    changed[-months:] += 1000
    for each in (example.forecast, example.same_month_before, example.with_growth):
        known = slice(0, 72 - months + 12)
        np.testing.assert_array_equal(each(changed)[known], each(series)[known])


def test_the_forecasts_without_a_network(example):
    months = np.arange(240)
    line = 2.0 * months
    np.testing.assert_array_equal(example.with_growth(line), line[-72:])
    mae, rmse, mase = example.measures(line, example.same_month_before(line))
    assert (mae, rmse, mase) == (24, 24, 1)


def test_they_are_compared_and_drawn(example, folder, capsys):
    path = folder / "forecast.html"
    example.main(folder, path)
    printed = capsys.readouterr().out
    assert "240 months, the last 72 from 1974-01 forecast" in printed
    numbers = r" +[\d.]+ +[\d.]+ +[\d.]+$"
    assert len(re.findall(rf"^(?:network|the month|with last).*{numbers}", printed, re.M)) == 3
    assert "plotly" in path.read_text(encoding="utf-8")


def test_what_simple_forecasts_miss_is_learned(series):
    example = load("forecast", UNITS=8, EPOCHS=60, NETWORKS=1)
    learned = example.measures(series, example.forecast(series))
    assert learned[0] < 0.5 * example.measures(series, example.with_growth(series))[0]
