"""Layers with the weights of Keras 3.15 give what it gave, recorded by `record_keras.py`."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError
from gradiente.interchange.keras_layers import KERAS
from gradiente.interchange.weights import load_keras

RECORDED = json.loads(Path(__file__).with_name("keras_layers.json").read_text())
NETWORKS = {
    "SimpleRNN": nn.RNN(2),
    "LSTM": nn.Sequential(nn.LSTM(2), nn.LSTM(2, return_sequences=False)),
    "LSTM without bias": nn.LSTM(2, return_sequences=False),
    "GRU": nn.GRU(2),
    "GRU without bias": nn.GRU(2, return_sequences=False),
    "both ways": nn.Sequential(
        nn.LSTM(2, bidirectional=True), nn.GRU(2, bidirectional=True, return_sequences=False)
    ),
    "Conv1D": nn.Convolution(2, 2, 2),
    "Conv2DTranspose": nn.TransposedConvolution(3, 3, 2),
    "DepthwiseConv2D": nn.DepthwiseConvolution(2, multiplier=2),
    "SeparableConv2D": nn.SeparableConvolution(3, 2, multiplier=2),
    "SeparableConv1D": nn.SeparableConvolution(2, 2, use_bias=False),
    "GroupNormalization": nn.GroupNorm(2, epsilon=1e-3),
    "RMSNormalization": nn.RMSNorm(epsilon=1e-6),
    "BatchNormalization": nn.BatchNorm(epsilon=1e-3),
    "PReLU": nn.PReLU(per_feature=True),
    "MultiHeadAttention": nn.MultiHeadAttention(4, 2),
}


def recorded(name):
    case = RECORDED[name]
    weights = {path: np.array(value, np.float32) for path, value in case["weights"].items()}
    return weights, np.array(case["x"], np.float32), np.array(case["y"], np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_outputs(name):
    weights, x, y = recorded(name)
    loaded = load_keras(NETWORKS[name], weights)
    np.testing.assert_allclose(loaded(x), y, rtol=1e-5, atol=1e-5)


def test_all_layers_are_tried_here_or_with_the_weights_of_pytorch():
    tried = {type(layer) for net in NETWORKS.values() for layer in net.modules().values()}
    assert tried >= {*KERAS} - {nn.Dense, nn.Embedding, nn.LayerNorm}


def test_what_has_no_counterpart_is_named():
    weights, _, _ = recorded("GRU")
    with pytest.raises(InvalidArgumentError, match="is several layers in Keras"):
        load_keras(nn.GRU(2, layers=2), weights)
    (bias,) = [path for path in weights if path.endswith("vars/2")]
    weights[bias] = weights[bias][0]
    with pytest.raises(InvalidArgumentError, match="a GRU with reset_after=False"):
        load_keras(nn.Sequential(nn.GRU(2)), weights)
