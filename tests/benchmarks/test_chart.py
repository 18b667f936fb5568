"""The picture: well-formed, with a bar for each library, on the page."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.chart import LABELS, WIDTH, draw
from benchmarks.workloads import WORKLOADS

SVG = "{http://www.w3.org/2000/svg}"


def test_the_bars(results):
    root = ET.fromstring(draw(results.comparisons))
    bars = root.findall(f"{SVG}rect")
    assert [bar.get("class") for bar in bars] == [
        *("slower", "slower", "slower"),  # W1: ours has no bar, only a line
        *("faster", "faster"),  # W2
    ]
    for bar in bars:
        x, width = float(bar.get("x")), float(bar.get("width"))
        assert x >= LABELS - 0.1 and width > 0 and x + width <= WIDTH
    words = [text.text for text in root.iter(f"{SVG}text")]
    for expected in ("gradiente", "10.0 µs", "3.10× · 31.0 µs", "0.800× · 800 µs", "1×"):
        assert expected in words


def test_it_is_legible_in_the_dark(results):
    assert "prefers-color-scheme: dark" in draw(results.comparisons)


def test_what_has_no_reference_is_left_out(results):
    first = results.comparisons[0]
    root = ET.fromstring(draw([type(first)(first.workload, first.timings[1:])]))
    assert not root.findall(f"{SVG}rect")


def test_words_are_escaped(results):
    first = results.comparisons[0]
    odd = type(first.ours)("a<b&c", (1e-4,))
    drawn = draw([type(first)(first.workload, (first.ours, odd))])
    assert "a&lt;b&amp;c" in drawn and ET.fromstring(drawn) is not None


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_extremes_stay_on_the_page(results, factor):
    first = results.comparisons[0]
    extreme = type(first.ours)("extreme", (first.ours.median * factor,))
    root = ET.fromstring(draw([type(first)(first.workload, (first.ours, extreme))]))
    bar = root.find(f"{SVG}rect")
    assert float(bar.get("x")) >= LABELS - 0.1
    assert float(bar.get("x")) + float(bar.get("width")) <= WIDTH


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_the_titles_fit(workload):
    assert 16 + 8 * len(workload.title) < WIDTH  # letters are narrower than that
