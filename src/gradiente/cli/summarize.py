"""The command `gradiente summary`: what is in a run."""

from typing import TYPE_CHECKING

from gradiente.cli import parameters as p
from gradiente.cli.run_folder import read_run
from gradiente.cli.scores import baseline_words
from gradiente.cli.screen import console, fact, format_score, show_scores
from gradiente.data.columns import CategoryColumn, Column, DateColumn
from gradiente.data.encode import Preprocessing
from gradiente.nn.summary import summary as network_summary

if TYPE_CHECKING:
    from rich.table import Table

MOST_COLUMNS = 30
MOST_CATEGORIES = 6


def summary(run: p.RunFolder) -> None:
    """Show what RUN was trained on, its network, its training and its result.

    Each column is listed with what becomes of it before the network sees it.

    Example:

        gradiente summary penguins-run
    """
    trained = read_run(run)
    screen = console()
    preprocessing, outcome, options = trained.preprocessing, trained.outcome, trained.options
    target = preprocessing.target
    fact(screen, "run", f"{run}, {options.task} of {target.name} from {options.data}")
    rows = ", ".join(f"{count:,} to {part}" for part, count in outcome.rows.items())
    fact(screen, "rows", rows.replace("validation", "validate"))
    if isinstance(preprocessing, Preprocessing):
        screen.print(_columns(preprocessing))
    screen.print(str(network_summary(trained.trainer.network, preprocessing.example())))
    screen.print()
    fact(
        screen,
        "training",
        f"{options.optimizer} on {options.loss}, learning rate {options.learning_rate:g} "
        f"({options.schedule}), batches of {options.batch_size}, seed {options.seed}",
    )
    fact(
        screen,
        "trained",
        f"{outcome.epochs} epochs in {outcome.seconds:.1f} s, the best was epoch "
        f"{outcome.best_epoch}; stopped: {outcome.stopped}",
    )
    show_scores(
        screen,
        f"{target.name} of {outcome.rows['test']:,} test rows",
        outcome.test,
        outcome.baseline,
        baseline_words(target, outcome.baseline_output),
    )


def _columns(preprocessing: Preprocessing) -> "Table":
    """Each column of the table and what becomes of it."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for head in ("column", "encoded as", "features"):
        table.add_column(head, justify="right" if head == "features" else "left")
    for column in preprocessing.columns[:MOST_COLUMNS]:
        table.add_row(Text(column.name), Text(_encoding(column)), str(len(column.features)))
    more = len(preprocessing.columns) - MOST_COLUMNS
    if more > 0:
        table.add_row(f"... {more} more", "", "")
    for name, reason in list(preprocessing.dropped.items())[:MOST_COLUMNS]:
        table.add_row(Text(name), Text(f"not used: it {reason}"), "0", style="dim")
    return table


def _encoding(column: Column) -> str:
    if isinstance(column, DateColumn):
        return f"date: {', '.join(part.name for part in column.parts)}"
    missing = ", or missing" * column.marks_missing
    if isinstance(column, CategoryColumn):
        shown = ", ".join(column.categories[:MOST_CATEGORIES])
        more = ", ..." * (len(column.categories) > MOST_CATEGORIES)
        return f"categories: {shown}{more}{missing}"
    scaling = "evened out to a normal distribution" if column.knots else "scaled"
    mean, spread = format_score(column.mean), format_score(column.scale)
    return f"number, {scaling}: mean {mean}, deviation {spread}{missing}"
