"""The command `gradiente report`: a run as one HTML file."""

import numpy as np

from gradiente.cli import parameters as p
from gradiente.cli.prepare import Part, encode_known, known_data, open_like, prepare
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
    rows = ", ".join(f"{count:,} rows to {_verb(part)}" for part, count in outcome.rows.items())
    trained.trainer.history = trained.history
    content = content_of(
        trained.trainer,
        samples(part.x, part.y),
        columns,
        title=f"{options.task} of {target.name}".capitalize(),
        about=[f"Trained on {options.data} ({rows}); shown is the result on {source}."],
        target=target,
        baseline=outcome.baseline_output,
        configuration={k: str(v) for k, v in options.to_dict().items() if v is not None},
    )
    path = write_page(run / REPORT if out is None else out, content)
    fact(console(), "report", str(path))


def _unseen(trained: Run, data: str | None, header: bool | None) -> tuple[Part, str]:
    """The unseen rows, and what to call them."""
    if data is None:
        return prepare(trained.options).test, "the test rows"
    opened = open_like(data, trained.preprocessing, trained.header(header))
    known, _ = known_data(trained.preprocessing, opened)
    return encode_known(trained.preprocessing, known), f"the rows of {data}"


def _verb(part: str) -> str:
    return "validate" if part == "validation" else part
