"""A noisy sine learned as a function of one number, written without any layer.

The network is plain NumPy: gradiente differentiates it and compiles the step.

    python examples/sine_regression.py    writes sine_regression.html
"""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

import gradiente as gd
from gradiente import optimizers

HIDDEN = 32


def network(params: dict, x: np.ndarray) -> np.ndarray:
    """Two hidden layers of tanh units."""
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    hidden = np.tanh(hidden @ params["w2"] + params["b2"])
    return hidden @ params["w3"] + params["b3"]


def loss(params: dict, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mean squared error."""
    return np.mean((network(params, x) - y) ** 2)


def start(random: np.random.Generator) -> dict:
    """Weights of variance 1/inputs, biases of zero."""
    sizes = [1, HIDDEN, HIDDEN, 1]
    params = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        params[f"w{layer}"] = random.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        params[f"b{layer}"] = np.zeros(outputs)
    return params


def train(x: np.ndarray, y: np.ndarray, steps: int = 2000) -> dict:
    """Full-batch training with Adam; the whole step is one compiled function."""
    adam = optimizers.Adam(0.01)

    @gd.compile
    def step(params: dict, state: dict, x: np.ndarray, y: np.ndarray) -> tuple:
        value, gradients = gd.value_and_grad(loss)(params, x, y)
        updates, state = adam.update(gradients, state, params)
        return {name: params[name] + updates[name] for name in params}, state, value

    params = start(np.random.default_rng(0))
    state = adam.init(params)
    for _ in range(steps):
        params, state, value = step(params, state, x, y)
    print(f"training loss {value:.4f}")
    return params


def plot(params: dict, x: np.ndarray, y: np.ndarray) -> go.Figure:
    """The data, the sine behind them and what was learned."""
    line = np.linspace(-np.pi, np.pi, 400)[:, None]
    return go.Figure(
        [
            go.Scatter(x=x[:, 0], y=y[:, 0], mode="markers", name="data", opacity=0.5),
            go.Scatter(x=line[:, 0], y=np.sin(2 * line[:, 0]), name="sin 2x", line_dash="dot"),
            go.Scatter(x=line[:, 0], y=network(params, line)[:, 0], name="learned"),
        ],
        layout={"title": "A noisy sine, learned", "width": 800, "height": 450},
    )


if __name__ == "__main__":
    noise = np.random.default_rng(1)
    inputs = noise.uniform(-np.pi, np.pi, size=(200, 1))
    targets = np.sin(2 * inputs) + noise.normal(scale=0.15, size=inputs.shape)
    learned = train(inputs, targets)
    unseen = np.linspace(-3, 3, 101)[:, None]
    error = np.sqrt(np.mean((network(learned, unseen) - np.sin(2 * unseen)) ** 2))
    print(f"root mean squared error against the noiseless sine {error:.4f}")
    plot(learned, inputs, targets).write_html("sine_regression.html")
