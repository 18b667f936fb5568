"""How results look on the screen: lines of facts and a table of scores."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LABEL_WIDTH = 10


def console(errors: bool = False, quiet: bool = False) -> "Console":
    """Standard output, or standard error. Names of columns are shown as they are, not as markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, stderr=errors, quiet=quiet)


def fact(screen: "Console", label: str, text: str) -> None:
    """A line with a label in front."""
    from rich.text import Text

    # Not a sum of texts, which takes the style of the first for all.
    screen.print(Text.assemble((label.ljust(LABEL_WIDTH), "bold"), text), soft_wrap=True)


def note(screen: "Console", text: str) -> None:
    """A line of lesser weight."""
    from rich.text import Text

    screen.print(Text(f"{'':{LABEL_WIDTH}}{text}", style="dim"), soft_wrap=True)


def commands(screen: "Console", lines: list[tuple[str, str]]) -> None:
    """Commands to try next, each with what it does."""
    from rich.text import Text

    width = max(len(command) for command, _ in lines)
    for command, meaning in lines:
        line = Text.assemble((f"  {command.ljust(width)}", "cyan"), (f"  {meaning}", "dim"))
        screen.print(line, soft_wrap=True)


def show_scores(
    screen: "Console",
    title: str,
    found: dict[str, float],
    baseline: dict[str, float],
    baseline_name: str,
) -> None:
    """A table of the scores of the network beside those of a prediction without learning."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    table.add_column("")
    table.add_column("network", justify="right")
    table.add_column(Text(baseline_name), justify="right", style="dim")
    for place, (name, value) in enumerate(found.items()):
        style = "bold green" if place == 0 else ""
        shown = Text(format_score(value), style=style)
        table.add_row(Text(name, style=style), shown, format_score(baseline[name]))
    screen.print()
    screen.print(Text(title, style="bold"), soft_wrap=True)
    screen.print(table)


def format_score(value: float) -> str:
    """Four digits behind the point for small numbers, thousands set apart in large ones."""
    if math.isnan(value):
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    # The z leaves out the sign of what is rounded to zero.
    return f"{value:z.4f}" if abs(value) < 10 else f"{value:z.2f}"
