"""The command `gradiente report`: a run as one HTML file."""

from typing import Any

import numpy as np

from gradiente.cli import parameters as p
from gradiente.cli.options import TrainOptions
from gradiente.cli.prepare import Part, encode_known, known_data, open_like, prepare
from gradiente.cli.prepare_stream import prepare_stream
from gradiente.cli.run_folder import REPORT, Run, read_run
from gradiente.cli.screen import console, fact
from gradiente.data.encode import Preprocessing
from gradiente.report.trainer import columns_of, content_of, write_page
from gradiente.train.inputs import samples


def report(
    run: p.RunFolder, data: p.UnseenData = None, out: p.ReportOut = None, header: p.Header = None
) -> None:
    """Write a report on RUN: one HTML file that needs no network.

    It shows the result on unseen rows with 95 % intervals beside the baseline, learning curves, the
    flow of the gradient and what looks wrong there, which columns matter, and the configuration.
    The unseen rows are the test rows of the training, read from its data again, or DATA.

    Examples:

        gradiente report penguins-run
        gradiente report adult-run adult.test --out adult.html
    """
    trained = read_run(run)
    part, source = _unseen(trained, data, header)
    preprocessing = trained.preprocessing
    options, outcome, target = trained.options, trained.outcome, preprocessing.target
    columns = None
    if isinstance(preprocessing, Preprocessing) and isinstance(part.x, np.ndarray):
        columns = columns_of(part.x, None, preprocessing)
    table = _is_table(trained)
    counts = ", ".join(f"{count:,} to {_verb(part)}" for part, count in outcome.rows.items())
    what = "rows" if table else "images"
    subject = target.name if table else f"the images in {options.data}"
    trained.trainer.history = trained.history
    content = content_of(
        trained.trainer,
        samples(part.x[:], part.y),
        columns,
        title=f"{str(options.task).capitalize()} of {subject}",
        about=[f"Trained on {options.data} ({what}: {counts}); shown is the result on {source}."],
        target=target,
        baseline=outcome.baseline_output,
        configuration=_configuration(options),
    )
    path = write_page(run / REPORT if out is None else out, content)
    fact(console(), "report", str(path))


def _configuration(options: TrainOptions) -> dict[str, str]:
    """The options that say something of this run, in words."""
    values = {name.replace("_", " "): value for name, value in options.to_dict().items()}
    shown = {name: _words(value) for name, value in values.items() if value or name == "dropout"}
    if options.test is not None:
        del shown["test fraction"]
    if options.convolutions is not None:  # of images, which have no columns to scale
        del shown["scaling"]
    return shown


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _unseen(trained: Run, data: str | None, header: bool | None) -> tuple[Part, str]:
    """The unseen rows, and what to call them."""
    if data is None:
        ready = prepare_stream if trained.options.stream else prepare
        kind = "rows" if _is_table(trained) else "images"
        return ready(trained.options).test, f"the test {kind}"
    opened = open_like(data, trained.preprocessing, trained.header(header))
    known, _ = known_data(trained.preprocessing, opened)
    return encode_known(trained.preprocessing, known), f"the rows of {data}"


def _is_table(trained: Run) -> bool:
    return isinstance(trained.preprocessing, Preprocessing)


def _verb(part: str) -> str:
    return "validate" if part == "validation" else part
