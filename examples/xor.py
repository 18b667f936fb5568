"""XOR, the smallest problem that needs a hidden layer: four points, and the surface learned.

python examples/xor.py            writes xor.html
"""

import numpy as np
import plotly.graph_objects as go

import gradiente as gd
from gradiente import losses, metrics, nn, optimizers

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([0, 1, 1, 0])


def train() -> gd.Trainer:
    """Two inputs, eight hidden units, one logit."""
    network = nn.Sequential(nn.Dense(8), nn.tanh, nn.Dense(1))
    trainer = gd.Trainer(
        network,
        loss=losses.binary_cross_entropy,
        optimizer=optimizers.Adam(0.05),
        metrics=[metrics.accuracy],
    )
    trainer.fit(X, Y, epochs=300, batch_size=4)
    return trainer


def plot(trainer: gd.Trainer) -> go.Figure:
    """The probability of class 1 over the square, and the four points."""
    side = np.linspace(-0.5, 1.5, 81, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    probability = nn.sigmoid(trainer.predict(grid)).reshape(81, 81)
    return go.Figure(
        [
            go.Contour(
                x=side,
                y=side,
                z=probability,
                zmin=0,
                zmax=1,
                colorscale="RdBu",
                opacity=0.5,  # so that the points stand out
                colorbar_title="P(class 1)",
            ),
            go.Scatter(
                x=X[:, 0],
                y=X[:, 1],
                mode="markers+text",
                text=[str(label) for label in Y],
                textposition="top center",
                textfont={"size": 18},
                marker={
                    "size": 14,
                    "color": Y,
                    "colorscale": "RdBu",
                    "line": {"width": 2, "color": "black"},
                },
                showlegend=False,
            ),
        ],
        layout={"title": "XOR learned by eight hidden units", "width": 640, "height": 560},
    )


if __name__ == "__main__":
    trained = train()
    print(trained.evaluate(X, Y))
    plot(trained).write_html("xor.html")
