"""Every layer that has a counterpart in PyTorch gives what that gives, with its weights."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.interchange.pytorch_layers import PYTORCH, RENAMED
from gradiente.interchange.weights import load_pytorch
from gradiente.nn.recurrent_cells import GRUCell, LSTMCell, RNNCell

torch = pytest.importorskip("torch")
peers = torch.nn
RANDOM = np.random.default_rng(62)


def drawn(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


class Channels(peers.Module):
    """A layer of PyTorch between axes in our order."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return torch.movedim(self.layer(torch.movedim(x, -1, 1)), 1, -1)


class Outputs(peers.Module):
    """A recurrent layer without its last state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, *given):
        outputs = self.layer(*given)
        return outputs[0] if isinstance(outputs, tuple) else outputs


SEQUENCES, IMAGES, MEMORY = drawn(3, 5, 4), drawn(2, 5, 6, 4), drawn(3, 7, 4)
INTEGERS = RANDOM.integers(0, 9, (3, 5))
BATCH_FIRST = {"batch_first": True}


def causal():
    return peers.Transformer.generate_square_subsequent_mask(5)


class Causal(peers.Module):
    """A decoder that sees what is before."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, memory):
        return self.layer(x, memory, tgt_mask=causal())


def encoder_layer(library, **options):
    if library is peers:
        options |= BATCH_FIRST
    return library.TransformerEncoderLayer(4, 2, 6, dropout=0.0, **options)


def decoder_layer(library, **options):
    if library is peers:
        options |= BATCH_FIRST
    return library.TransformerDecoderLayer(4, 2, 6, dropout=0.0, **options)


# ours, theirs, inputs
CASES = {
    "dense": (nn.Dense(3), peers.Linear(4, 3), (SEQUENCES,)),
    "convolution in groups": (
        nn.Convolution(6, 3, padding=1, groups=2),
        Channels(peers.Conv1d(4, 6, 3, padding=1, groups=2)),
        (SEQUENCES,),
    ),
    "convolution of volumes": (
        nn.Convolution(3, (2, 3, 1), use_bias=False),
        Channels(peers.Conv3d(4, 3, (2, 3, 1), bias=False)),
        (drawn(2, 3, 4, 3, 4),),
    ),
    "depthwise": (
        nn.DepthwiseConvolution(3, multiplier=2),
        Channels(peers.Conv2d(4, 8, 3, groups=4)),
        (IMAGES,),
    ),
    "transposed": (
        nn.TransposedConvolution(6, 3, 2, padding=1),
        Channels(peers.ConvTranspose2d(4, 6, 3, 2, padding=1)),
        (IMAGES,),
    ),
    "transposed in groups": (
        nn.TransposedConvolution(6, 3, 2, dilations=2, groups=2),
        Channels(peers.ConvTranspose1d(4, 6, 3, 2, dilation=2, groups=2)),
        (SEQUENCES,),
    ),
    "embedding": (nn.Embedding(9, 4), peers.Embedding(9, 4), (INTEGERS,)),
    "bag": (nn.EmbeddingBag(9, 4), peers.EmbeddingBag(9, 4), (INTEGERS,)),
    "layer norm": (nn.LayerNorm(), peers.LayerNorm(4), (SEQUENCES,)),
    "layer norm of axes": (nn.LayerNorm(axes=2), peers.LayerNorm((5, 4)), (SEQUENCES,)),
    "RMS norm": (nn.RMSNorm(), peers.RMSNorm(4), (SEQUENCES,)),
    "batch norm": (nn.BatchNorm(), Channels(peers.BatchNorm2d(4)), (IMAGES,)),
    "batch norm alone": (
        nn.BatchNorm(affine=False),
        Channels(peers.BatchNorm1d(4, affine=False)),
        (SEQUENCES,),
    ),
    "group norm": (nn.GroupNorm(2), Channels(peers.GroupNorm(2, 4)), (IMAGES,)),
    "instance norm": (
        nn.InstanceNorm(affine=True),
        Channels(peers.InstanceNorm2d(4, affine=True)),
        (IMAGES,),
    ),
    "instance norm alone": (nn.InstanceNorm(), Channels(peers.InstanceNorm1d(4)), (SEQUENCES,)),
    "PReLU": (nn.PReLU(), peers.PReLU(), (IMAGES,)),
    "PReLU of features": (nn.PReLU(per_feature=True), Channels(peers.PReLU(4)), (IMAGES,)),
    "bilinear": (
        nn.Sequential(nn.Bilinear(3)),
        peers.ModuleList([peers.Bilinear(4, 4, 3)]),
        (SEQUENCES, SEQUENCES[::-1].copy()),
    ),
    "RNN cell": (RNNCell(3), peers.RNNCell(4, 3), (SEQUENCES[0],)),
    "LSTM cell": (
        LSTMCell(3),
        Outputs(peers.LSTMCell(4, 3)),
        (SEQUENCES[0],),
    ),
    "GRU cell": (GRUCell(3), peers.GRUCell(4, 3), (SEQUENCES[0],)),
    "RNN of relu": (
        nn.RNN(3, nn.relu),
        Outputs(peers.RNN(4, 3, nonlinearity="relu", **BATCH_FIRST)),
        (SEQUENCES,),
    ),
    "encoder of GPT": (
        nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, norm_first=True, activation=nn.gelu),
        peers.TransformerEncoderLayer(
            4, 2, 6, dropout=0.0, norm_first=True, activation="gelu", **BATCH_FIRST
        ),
        (SEQUENCES,),
    ),
    "encoder": (
        nn.TransformerEncoder(encoder_layer(nn), 2, nn.LayerNorm()),
        peers.TransformerEncoder(
            encoder_layer(peers), 2, peers.LayerNorm(4), enable_nested_tensor=False
        ),
        (SEQUENCES,),
    ),
    "decoder layer": (decoder_layer(nn), Causal(decoder_layer(peers)), (SEQUENCES, MEMORY)),
    "decoder": (
        nn.TransformerDecoder(decoder_layer(nn, norm_first=True), 2, nn.LayerNorm()),
        Causal(
            peers.TransformerDecoder(decoder_layer(peers, norm_first=True), 2, peers.LayerNorm(4))
        ),
        (SEQUENCES, MEMORY),
    ),
    "attention without biases": (
        nn.MultiHeadAttention(4, 2, use_bias=False),
        Outputs(peers.MultiheadAttention(4, 2, bias=False, **BATCH_FIRST)),
        (SEQUENCES, SEQUENCES, SEQUENCES),
    ),
    "attention across": (
        nn.MultiHeadAttention(4, 2),
        Outputs(peers.MultiheadAttention(4, 2, kdim=3, vdim=2, **BATCH_FIRST)),
        (SEQUENCES, drawn(3, 7, 3), drawn(3, 7, 2)),
    ),
}
for kind in ("RNN", "LSTM", "GRU"):
    for layers, both_ways, bias in ((1, False, True), (2, True, True), (2, False, False)):
        CASES[f"{kind} of {layers}{' both ways' * both_ways}"] = (
            getattr(nn, kind)(3, layers=layers, bidirectional=both_ways),
            Outputs(
                getattr(peers, kind)(
                    4, 3, layers, bias=bias, bidirectional=both_ways, **BATCH_FIRST
                )
            ),
            (SEQUENCES,),
        )


def state_of(theirs):
    """The random weights of a layer of PyTorch, by the names it has by itself."""
    with torch.no_grad():
        for value in theirs.state_dict().values():
            if value.is_floating_point():
                value.uniform_(0.2, 1.0) if value.ndim == 1 else value.normal_()
    return {
        name.removeprefix("layer."): value.numpy().copy()
        for name, value in theirs.state_dict().items()
    }


@pytest.mark.parametrize("case", CASES)
def test_the_same_outputs(case):
    ours, theirs, inputs = CASES[case]
    state = state_of(theirs)
    loaded = load_pytorch(ours, state)
    given = [torch.tensor(x) for x in inputs]
    if case == "bilinear":
        theirs, inputs = theirs[0], (inputs,)
    with torch.no_grad():
        expected = theirs.eval()(*given).numpy()
    found = loaded(*inputs)
    found = found[0] if isinstance(found, tuple) else found
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_all_layers_are_tried():
    tried = {type(m) for ours, _, _ in CASES.values() for m in ours.modules().values()}
    assert tried >= {*PYTORCH, *RENAMED}


def test_names_hold_for_what_is_inside_as_well():
    class Net(nn.Module):
        def __init__(self):
            self.body = nn.Sequential(encoder_layer(nn), nn.GRU(3))

        def __call__(self, x):
            return self.body(x)

    theirs = peers.ModuleDict({"blocks": encoder_layer(peers), "rnn": peers.GRU(4, 3)})
    names = {"blocks": "body.0", "rnn": "body.1"}
    net = load_pytorch(Net(), state_of(theirs), names)
    weight = theirs["blocks"].linear1.weight.detach().numpy()
    np.testing.assert_array_equal(net.body[0].feed_forward.expand.weight, weight.T)
    assert net(SEQUENCES).shape == (3, 5, 3)


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidArgumentError, match="has fewer heads of keys and values"):
        load_pytorch(nn.MultiHeadAttention(4, 2, key_value_heads=1), {})
    state = state_of(peers.MultiheadAttention(4, 2))
    state["in_proj_weight"] = state["in_proj_weight"][:-1]
    with pytest.raises(RunError, match=r"do not have the shapes of ``, MultiHeadAttention\(4, 2"):
        load_pytorch(nn.MultiHeadAttention(4, 2), state)
    state = state_of(peers.LSTM(4, 3))
    del state["bias_hh_l0"]
    with pytest.raises(RunError, match="the weights have no `bias_hh_l0` for `the network`"):
        load_pytorch(nn.LSTM(3), state)
    with pytest.raises(RunError, match="no layer of the network takes weight_hr_l0"):
        load_pytorch(nn.LSTM(3), {**state_of(peers.LSTM(4, 3)), "weight_hr_l0": drawn(2, 3)})
