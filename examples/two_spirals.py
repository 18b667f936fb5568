"""Two spirals wound around each other: a classic that a shallow, narrow network cannot separate.

python examples/two_spirals.py    writes two_spirals.html
"""

import numpy as np
import plotly.graph_objects as go

import gradiente as gd
from gradiente import losses, metrics, nn, optimizers, schedules

EPOCHS = 300
SIDE = 161


def spirals(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy points on two spirals of one and three quarter turns: x (2 points, 2), labels."""
    random = np.random.default_rng(seed)
    turn = np.sqrt(random.uniform(size=points)) * 3.5 * np.pi
    arm = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) / 10
    x = np.concatenate([arm, -arm]) + random.normal(scale=0.02, size=(2 * points, 2))
    return x.astype(np.float32), np.repeat([0, 1], points)


def train(x: np.ndarray, y: np.ndarray) -> gd.Trainer:
    """Three hidden layers of 64 units."""
    network = nn.Sequential(
        nn.Dense(64), nn.silu, nn.Dense(64), nn.silu, nn.Dense(64), nn.silu, nn.Dense(2)
    )
    steps = EPOCHS * -(-len(x) // 64)
    trainer = gd.Trainer(
        network,
        loss=losses.cross_entropy,
        optimizer=optimizers.AdamW(schedules.cosine(0.005, steps)),
        metrics=[metrics.accuracy],
    )
    trainer.fit(x, y, epochs=EPOCHS, batch_size=64)
    return trainer


def plot(trainer: gd.Trainer, x: np.ndarray, y: np.ndarray) -> go.Figure:
    """The probability of the second spiral over the plane, and unseen points."""
    side = np.linspace(-1.25, 1.25, SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    probability = nn.softmax(trainer.predict(grid))[:, 1].reshape(SIDE, SIDE)
    return go.Figure(
        [
            go.Heatmap(
                x=side,
                y=side,
                z=probability,
                zmin=0,
                zmax=1,
                colorscale="RdBu",
                opacity=0.4,  # so that the points stand out
                colorbar_title="P(class 1)",
            ),
            go.Scatter(
                x=x[:, 0],
                y=x[:, 1],
                mode="markers",
                marker={
                    "size": 6,
                    "color": y,
                    "colorscale": "RdBu",
                    "line": {"width": 1, "color": "black"},
                },
                showlegend=False,
            ),
        ],
        layout={"title": "Two spirals, unseen points", "width": 640, "height": 600},
    )


if __name__ == "__main__":
    x_test, y_test = spirals(250, seed=1)
    trained = train(*spirals(500, seed=0))
    print(trained.evaluate(x_test, y_test))
    plot(trained, x_test, y_test).write_html("two_spirals.html")
