"""Tables on the screen and in Markdown."""

import io

import pytest
from rich.console import Console

from benchmarks.report import (
    duration,
    explanation,
    in_markdown,
    on_screen,
    overview,
    percent,
    sheets,
    significant,
    startup_sheet,
    times,
)


def rows(markdown: str) -> list[list[str]]:
    return [
        [cell.strip(" *") for cell in line.strip("|").split(" | ")]
        for line in markdown.splitlines()
        if line.startswith("|")
    ]


def test_a_comparison_in_markdown(results):
    first = in_markdown(sheets(results)[0])
    assert first.startswith("### W1: MLP 30-64-64-2, batch 32, float32, Adam\n")
    assert "Best peer ÷ gradiente: 3.10× (jax.scan)." in first
    assert "FMA peak of all cores in this run: 234 GFLOP/s." in first
    head, _, ours, scan, sklearn, torch, missing = rows(first)
    assert ours == ["gradiente", "9.00", "10.0", "30%", "106", "45%", "1.00×", "reference"]
    assert scan[0] == "jax.scan" and scan[-2:] == ["3.10×", "yes, within 1e-06"]
    assert sklearn[0] == "sklearn [1]" and sklearn[-1] == "not compared"
    assert torch[2] == "390" and len(torch) == len(head)
    assert missing == ["torch.compile [2]", *["–"] * 7]
    assert "[2] torch.compile fails: no compiler" in first


def test_a_row_that_we_lose_is_shown(results):
    second = in_markdown(sheets(results)[1])
    assert "0.800× (jax.scan)" in second
    assert "NO, 5e-01 apart" in second


def test_start_up(results):
    sheet = startup_sheet(results.startups)
    assert sheet.rows[0][:3] == ("numpy", "0.10 s", "24 MB")
    assert sheet.rows[1][:4] == ("gradiente", "0.14 s", "–", "0.50 s")
    assert sheet.rows[1][-1] == "750 MB"


def test_the_overview_has_a_row_for_each_workload(results):
    sheet = overview(results.comparisons)
    assert sheet.columns[1:] == (
        *("gradiente", "torch", "jax.scan", "sklearn"),
        "best peer ÷ gradiente",
    )
    assert sheet.rows[0][1:] == ("10.0 µs", "390 µs", "31.0 µs", "300 µs", "3.10×")
    assert sheet.rows[1][1:] == ("1.00 ms", "100 µs", "800 µs", "–", "0.800×")
    assert "torch: its losses are others" in sheet.notes


def test_everything_is_on_the_screen(results):
    screen = Console(file=io.StringIO(), width=160)
    for sheet in sheets(results):
        screen.print(on_screen(sheet))
    shown = screen.file.getvalue()
    for words in ("W1: MLP", "jax.scan", "3.10×", "[1] one output, not two", "Start-up"):
        assert words in shown


def test_the_explanation_is_about_what_there_is(results):
    assert len(explanation(results)) == 2
    assert explanation(type(results)("", results.machine)) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0345, "0.035"), (9.5, "9.50"), (35.25, "35.2"), (394.4, "394"), (232_000.4, "232,000")],
)
def test_three_digits(value, words):
    assert significant(value) == words


def test_units():
    assert duration(2) == "2.00 s" and duration(0.232) == "232 ms" and duration(5e-10) == "0 ns"
    assert percent(0.044) == "4.4%" and percent(0.86) == "86%" and times(1.5) == "1.50×"
