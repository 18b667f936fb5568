"""A transformer that writes Shakespeare character by character: GPT in the small.

    python examples/character_transformer.py FOLDER [STEPS]

FOLDER holds input.txt of github.com/karpathy/char-rnn (data/tinyshakespeare); any other text will
do. Sizes are those of nanoGPT's configuration for CPUs: 4 layers, 4 heads, 128 features, 64
characters of context, 2,000 steps with batches of 12.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

import gradiente as gd
from gradiente import initializers, losses, nn, optimizers, schedules
from gradiente.data import next_token_windows

LAYERS, HEADS, FEATURES, CONTEXT = 4, 4, 128, 64
BATCH, STEPS, ROUND = 12, 2_000, 250  # the validation loss is measured after each round
SMALL = partial(initializers.normal, std=0.02)


class CharacterTransformer(nn.Module):
    """logits[t] = log-odds of the character after t; the table of characters serves both ends."""

    def __init__(self, characters: int):
        block = nn.TransformerEncoderLayer(
            *(FEATURES, HEADS, 4 * FEATURES),
            dropout=0.0,
            activation=nn.gelu,
            norm_first=True,
            causal=True,
            use_bias=False,
        )
        self.table = nn.Embedding(characters, FEATURES, SMALL)
        self.positions = nn.LearnedPositions(CONTEXT, SMALL)
        self.blocks = nn.TransformerEncoder(block, LAYERS, nn.LayerNorm())

    def __call__(self, x: np.ndarray) -> np.ndarray:
        hidden = self.blocks(self.positions(self.table(x)))  # (batch, time, features)
        return hidden @ self.table.weight.T  # (batch, time, characters)


def sample(
    trainer: gd.Trainer,
    prompt: np.ndarray,
    count: int,
    random: np.random.Generator,
    temperature: float = 1.0,
) -> np.ndarray:
    """The prompt and `count` characters more, each drawn from softmax(logits / temperature).

    A low temperature takes what is likely, a high one what is not.
    """
    tokens = [int(token) for token in prompt]
    for _ in range(count):
        seen = tokens[-CONTEXT:]
        # Padded at the end, where nothing looks: one shape, compiled once.
        padded = np.zeros((1, CONTEXT), np.int64)
        padded[0, : len(seen)] = seen
        logits = trainer.predict(padded)[0, len(seen) - 1].astype(np.float64)
        tokens.append(int(random.choice(len(logits), p=nn.softmax(logits / temperature))))
    return np.array(tokens)


def main(folder: Path, steps: int) -> None:
    """Train on the first nine tenths of the text, measure on the last, and write some more."""
    text = (folder / "input.txt").read_text(encoding="utf-8")
    characters, tokens = np.unique(list(text), return_inverse=True)
    cut = len(tokens) * 9 // 10
    x, y = next_token_windows(tokens[:cut], CONTEXT)
    unseen = next_token_windows(tokens[cut:], CONTEXT, stride=CONTEXT)
    rate = schedules.cosine(1e-3, steps, warmup_steps=min(100, steps // 2), final=1e-4)
    trainer = gd.Trainer(
        CharacterTransformer(len(characters)),
        loss=losses.cross_entropy,
        optimizer=optimizers.AdamW(rate, betas=(0.9, 0.99), weight_decay=0.1),
        clip_norm=1.0,
    )
    random = np.random.default_rng(0)
    for start in range(0, steps, ROUND):
        windows = random.integers(len(x), size=BATCH * min(ROUND, steps - start))
        trainer.fit(x[windows], y[windows], epochs=1, batch_size=BATCH, validation=unseen)
    print(trainer.history)
    print(f"{trainer.network.count:,} parameters")
    print("loss on the last tenth, in nats for each character:", trainer.evaluate(*unseen)["loss"])
    prompt = np.searchsorted(characters, ["\n"])
    print("".join(characters[sample(trainer, prompt, 500, random, temperature=0.8)]))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else STEPS)
