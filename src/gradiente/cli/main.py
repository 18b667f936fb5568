"""The console command `gradiente`: its subcommands, and how it ends when something is wrong."""

import io
import sys
from typing import Annotated, Any

import typer

from gradiente.base.errors import GradienteError
from gradiente.base.version import __version__
from gradiente.cli.evaluate import evaluate
from gradiente.cli.predict import predict
from gradiente.cli.report import report
from gradiente.cli.summarize import summary
from gradiente.cli.train import train

WRONG_USE = 2  # the exit status for input that cannot be used
INTERRUPTED = 130  # and after Ctrl-C, as a shell expects

# The errors of the argument parser, which Typer takes from click or brings along itself.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="gradiente",
    help="Train neural networks by backpropagation, from a table of data to a network in use.",
    epilog="Start with: gradiente train penguins",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, summary, report):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradiente {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Train neural networks by backpropagation, from a table of data to a network in use."""


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit status.

    What is wrong with the input is said in one sentence on standard error, with exit status 2.
    """
    try:
        return app(arguments, prog_name="gradiente", standalone_mode=False) or 0
    except UsageError as error:
        return _complain(error.format_message())
    except GradienteError as error:
        return _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has closed it; nothing more can be said there.
        sys.stdout = None
        return 0


def _complain(message: str) -> int:
    if message:  # without any argument the help has been shown, and there is nothing to add
        print(f"gradiente: {' '.join(message.split())}", file=sys.stderr)
    return WRONG_USE


def run() -> None:
    """The entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows few characters shows question marks for the others.
            stream.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))
