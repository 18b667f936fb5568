"""How results look on the screen."""

import io
import math

import pytest
from rich.console import Console

from gradiente.cli.screen import commands, console, fact, format_score, show_scores


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.98765, "0.9877"),
        (-0.5, "-0.5000"),
        (55.7498, "55.75"),
        (50892.4, "50,892"),
        (math.nan, "-"),
        (0.0, "0.0000"),
    ],
)
def test_scores_have_digits_for_their_size(value, shown):
    assert format_score(value) == shown


def test_names_are_shown_as_they_are(capsys):
    """Square brackets and colons mean something to Rich, and nothing in the name of a column."""
    screen = console()
    fact(screen, "data", "[bold]x[/bold] :smile: [/]")
    show_scores(screen, "[red]y of 3 rows", {"[i]a": 0.5}, {"[i]a": 0.25}, "always [/b]")
    commands(screen, [("gradiente summary '[x]'", "look")])
    out = capsys.readouterr().out
    for text in ("[bold]x[/bold] :smile: [/]", "[red]y of 3 rows", "[i]a", "always [/b]", "'[x]'"):
        assert text in out
    assert "0.5000" in out and "0.2500" in out


def test_long_lines_are_not_broken(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    fact(console(), "saved", "a/very/long/path/" * 10)
    assert "a/very/long/path/" * 10 in capsys.readouterr().out


def test_only_the_label_is_bold():
    screen = Console(force_terminal=True, file=io.StringIO(), color_system="standard")
    fact(screen, "rows", "12 to train")
    commands(screen, [("gradiente summary run", "look")])
    first, second = screen.file.getvalue().splitlines()
    assert first == "\x1b[1mrows      \x1b[0m12 to train"
    assert second == "\x1b[36m  gradiente summary run\x1b[0m\x1b[2m  look\x1b[0m"
