"""The command `gradiente evaluate`: how good a trained network is on other data."""

from gradiente.cli import parameters as p
from gradiente.cli.prepare import (
    encode_known,
    for_network,
    known_data,
    left_out_note,
    open_like,
    unknown_words_note,
)
from gradiente.cli.run_folder import read_run
from gradiente.cli.scores import baseline_scores, baseline_words, scores
from gradiente.cli.screen import console, note, show_scores


def evaluate(run: p.RunFolder, data: p.Data, header: p.Header = None) -> None:
    """Measure the network of RUN on DATA, whose target is known.

    The scores stand beside those of predicting the same for every row.

    Examples:

        gradiente evaluate penguins-run penguins
        gradiente evaluate adult-run adult.test
    """
    trained = read_run(run)
    preprocessing, target = trained.preprocessing, trained.preprocessing.target
    opened = open_like(data, preprocessing, trained.header(header))
    known, left_out = known_data(preprocessing, opened)
    part = encode_known(preprocessing, known)
    output = trained.outcome.baseline_output
    screen = console()
    show_scores(
        screen,
        f"{target.name} of {len(part):,} rows of {data}",
        scores(target, trained.trainer.predict(for_network(part.x)), part.y),
        baseline_scores(target, output, part.y),
        baseline_words(target, output),
    )
    for text in left_out_note(left_out, target.name) + unknown_words_note(preprocessing, known):
        note(screen, text)
    if data == trained.options.data:
        note(screen, "The network was trained on most of these rows, so new ones will score lower.")
