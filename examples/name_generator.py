"""A recurrent network that invents names, letter by letter, beside counts of pairs of letters.

    python examples/name_generator.py FOLDER

FOLDER holds names.txt of github.com/karpathy/makemore: given names in lower case, one in a line.
Names that come twice there are used once, so that no name is both learned and tested.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

import gradiente as gd
from gradiente import losses, nn, optimizers, schedules
from gradiente.data.split import split_rows

FEATURES, UNITS = 32, 256
BATCH, EPOCHS = 128, 12
END, IGNORED = 0, -1  # a name begins after the end of another; places after its end do not count


def read_names(folder: Path) -> tuple[list[str], np.ndarray]:
    """The different names in order, and their letters as numbers from 1: (names, longest).

    Names are filled up with the number of the end, 0.
    """
    text = (folder / "names.txt").read_text(encoding="utf-8")
    names = sorted(set(text.split()))
    longest = max(map(len, names))
    letters = np.array([list(name.ljust(longest)) for name in names])
    _, numbers = np.unique(letters, return_inverse=True)  # a blank comes before all letters
    return names, numbers.reshape(letters.shape)


def pairs(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x[n] = end, letters;  y[n] = letters, end: at each place the one that comes next."""
    ends = np.full((len(numbers), 1), END)
    x, y = np.hstack((ends, numbers)), np.hstack((numbers, ends))
    after = (x == END) & (np.arange(x.shape[1]) > 0)
    return x, np.where(after, IGNORED, y)


def bigram_loss(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """The loss of the simplest model, P(next | letter) from counts of pairs, each 1 at first."""
    count = max(x.max(), y.max()) + 1
    counts = np.ones((count, count))
    np.add.at(counts, (x[y != IGNORED], y[y != IGNORED]), 1)
    probability = counts / counts.sum(axis=1, keepdims=True)
    counted = y_test != IGNORED
    return float(-np.mean(np.log(probability[x_test[counted], y_test[counted]])))


def network(letters: int) -> nn.Module:
    """logits[n, t] = log-odds of what comes after the letters up to t."""
    return nn.Sequential(
        nn.Embedding(letters, FEATURES), nn.GRU(UNITS), nn.Dropout(0.3), nn.Dense(letters)
    )


def sample(
    trainer: gd.Trainer, count: int, longest: int, random: np.random.Generator
) -> np.ndarray:
    """Numbers of the letters of new names, (count, longest), all names at once."""
    x = np.full((count, longest + 1), END)
    for place in range(longest):
        logits = trainer.predict(x)[:, place]
        # The largest of logits + Gumbel noise is drawn from softmax(logits).
        drawn = np.argmax(logits + random.gumbel(size=logits.shape), axis=-1)
        ended = (x[:, place] == END) & (place > 0)
        x[:, place + 1] = np.where(ended, END, drawn)
    return x[:, 1:]


def written(numbers: np.ndarray, alphabet: str) -> list[str]:
    """The names behind the numbers of their letters."""
    return ["".join(alphabet[number] for number in row).strip() for row in numbers]


def main(folder: Path) -> None:
    """Train on 80 % of the names, stop by 10 %, measure on 10 %, and write new ones."""
    names, numbers = read_names(folder)
    alphabet = " " + "".join(sorted(set("".join(names))))
    x, y = pairs(numbers)
    parts = split_rows(len(x), validation=0.1, test=0.1)
    steps = EPOCHS * -(-len(parts.train) // BATCH)
    trainer = gd.Trainer(
        network(len(alphabet)),
        loss=partial(losses.cross_entropy, ignore_index=IGNORED),
        optimizer=optimizers.AdamW(schedules.cosine(3e-3, steps, warmup_steps=steps // 20)),
        clip_norm=1.0,
    )
    trained = x[parts.train], y[parts.train]
    watched = x[parts.validation], y[parts.validation]
    print(trainer.fit(*trained, epochs=EPOCHS, batch_size=BATCH, validation=watched))
    print(f"{trainer.network.count:,} parameters, {len(names):,} names")
    print("loss in nats for each letter  pairs of letters  network")
    for part, rows in (("validation", parts.validation), ("test", parts.test)):
        counted, learned = (
            bigram_loss(*trained, x[rows], y[rows]),
            trainer.evaluate(x[rows], y[rows]),
        )
        print(f"{part:28}  {counted:16.3f}  {learned['loss']:7.3f}")
    invented = written(sample(trainer, 200, numbers.shape[1], np.random.default_rng(0)), alphabet)
    known = {"", *names}
    new = [name for name in invented if name not in known]
    print(f"{len(new)} of {len(invented)} names drawn are not in the data:", ", ".join(new[:24]))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
