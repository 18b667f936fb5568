"""Recurrent layers: those of PyTorch, masks, states, and what they refuse."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(4)
ROWS, TIME, INPUTS, UNITS = 8, 6, 3, 5
X = RANDOM.normal(size=(ROWS, TIME, INPUTS))
LENGTHS = np.array([6, 1, 4, 6, 2, 3, 5, 6])
KINDS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
kinds = pytest.mark.parametrize("kind", KINDS)


def copied(theirs, kind, layers, bidirectional):
    """Our layer with the weights of PyTorch's."""
    options = {"forget_bias": 0.0} if kind == "LSTM" else {}
    ours = KINDS[kind](UNITS, layers=layers, bidirectional=bidirectional, **options)
    ours.initialize(X)
    for name, cells in (("", ours.cells), ("_reverse", ours.backward_cells)):
        for number, cell in enumerate(cells):
            get = lambda what, end=f"_l{number}{name}": (  # noqa: E731
                getattr(theirs, what + end).detach().numpy()
            )
            cell.input_weight = get("weight_ih").T.copy()
            cell.recurrent_weight = get("weight_hh").T.copy()
            first, second = get("bias_ih").copy(), get("bias_hh").copy()
            if kind == "GRU":
                cell.recurrent_bias = second[2 * UNITS :].copy()
                second[2 * UNITS :] = 0
            cell.bias = first + second
    return ours


@kinds
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "ending"])
def test_it_is_pytorchs(kind, layers, bidirectional, lengths):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(
        INPUTS, UNITS, layers, batch_first=True, bidirectional=bidirectional, dtype=torch.float64
    )
    ours = copied(theirs, kind, layers, bidirectional)
    x = torch.tensor(X, requires_grad=True)
    begin = RANDOM.normal(size=(layers * (1 + bidirectional), ROWS, UNITS))
    state = (begin, begin * 0.5) if kind == "LSTM" else begin
    given = tuple(map(torch.tensor, state)) if kind == "LSTM" else torch.tensor(state)
    mask = None
    if lengths is None:
        y, after = theirs(x, given)
    else:
        mask = nn.sequence_mask(lengths, TIME)
        pack = torch.nn.utils.rnn.pack_padded_sequence
        packed, after = theirs(pack(x, lengths, batch_first=True, enforce_sorted=False), given)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, total_length=TIME)
    got, states = ours(X, state, mask, return_state=True)
    np.testing.assert_allclose(got, y.detach().numpy(), atol=1e-12)
    after = after if kind == "LSTM" else (after,)
    states = states if kind == "LSTM" else (states,)
    for a, b in zip(states, after, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-12)
    (y**2).sum().backward()
    slope = gd.compile(
        gd.grad(lambda net, x: np.sum(net(x, state, mask) ** 2), (0, 1)), backend="native"
    )
    network, by_x = slope(ours, X)
    np.testing.assert_allclose(by_x, x.grad.numpy(), atol=1e-11)
    weight = theirs.weight_hh_l0.grad.numpy().T
    np.testing.assert_allclose(network.cells[0].recurrent_weight, weight, atol=1e-11)


@kinds
def test_a_cell_is_one_step(kind):
    layer = KINDS[kind](UNITS).initialize(X)
    cell, state = layer.cells[0], None
    outputs = []
    for t in range(TIME):
        state = cell(X[:, t], state)
        outputs.append(state[0] if kind == "LSTM" else state)
    np.testing.assert_allclose(layer(X), np.stack(outputs, axis=1), atol=1e-13)


@kinds
def test_the_last_output_is_that_of_the_end_of_each_sequence(kind):
    layer = KINDS[kind](UNITS, return_sequences=False, bidirectional=True).initialize(X)
    mask = nn.sequence_mask(LENGTHS, TIME)
    last = layer(X, mask=mask)
    for row, length in enumerate(LENGTHS):
        alone = layer(X[row : row + 1, :length])
        np.testing.assert_allclose(last[row], alone[0], atol=1e-13)


@kinds
def test_a_state_goes_on_where_it_was(kind):
    layer = KINDS[kind](UNITS, layers=2).initialize(X)
    first, state = layer(X[:, :2], return_state=True)
    second = layer(X[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), layer(X), atol=1e-13)


def test_recomputation_changes_nothing_but_memory():
    layer = nn.LSTM(UNITS).initialize(X)
    again = nn.LSTM(UNITS, recompute=True)
    again.load_state(layer.state())
    loss = lambda net, x: np.sum(net(x) ** 2)  # noqa: E731
    ours, theirs = (gd.compile(gd.grad(loss))(net, X) for net in (layer, again))
    for a, b in zip(ours.state().values(), theirs.state().values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_dropout_is_between_layers_and_in_training():
    layer = nn.RNN(UNITS, layers=2, dropout=0.5).initialize(X)
    np.testing.assert_array_equal(layer(X), layer(X))
    with nn.running(nn.Context(training=True, key=gd.random.key(1))):
        assert np.any(layer(X) != layer(X))
    single = nn.RNN(UNITS, dropout=0.5).initialize(X)
    with nn.running(nn.Context(training=True, key=gd.random.key(1))):
        np.testing.assert_array_equal(single(X), single(X))


def test_each_gate_has_an_orthogonal_matrix():
    weight = nn.GRU(UNITS).initialize(X).cells[0].recurrent_weight
    for part in np.split(weight, 3, axis=1):
        np.testing.assert_allclose(part.T @ part, np.eye(UNITS), atol=1e-12)


def test_it_learns_what_came_first():
    """The class is the first of 20 numbers: what an LSTM must remember to the end."""
    x = RANDOM.integers(0, 2, (256, 20, 1)).astype(np.float32)
    y = x[:, 0, 0].astype(int)
    network = nn.Sequential(nn.LSTM(16, return_sequences=False), nn.Dense(2))
    trainer = gd.Trainer(network, losses.cross_entropy, optimizer=optimizers.Adam(0.02), seed=1)
    trainer.fit(x, y, epochs=30, verbose=False)
    fresh = RANDOM.integers(0, 2, (200, 20, 1)).astype(np.float32)
    predicted = np.argmax(trainer.predict(fresh), axis=1)
    assert np.mean(predicted == fresh[:, 0, 0]) > 0.98


def test_how_it_is_written():
    layer = nn.LSTM(4, layers=2, bidirectional=True)
    assert repr(layer) == "LSTM(4, layers=2, bidirectional=True)"
    assert repr(nn.RNN(4, nn.relu)) == "RNN(4, activation=relu)"
    assert repr(nn.Recurrent(lambda: nn.GRUCell(3))) == "Recurrent(GRUCell(3))"


def test_what_it_refuses():
    layer = nn.LSTM(UNITS).initialize(X)
    with pytest.raises(ShapeError, match=r"batch, time, inputs"):
        layer(X[0])
    with pytest.raises(ShapeError, match=r"layers · directions"):
        layer(X, np.zeros((1, ROWS, UNITS)))
    with pytest.raises(ShapeError, match="mask"):
        layer(X, mask=np.ones((ROWS, TIME + 1), bool))
    with pytest.raises(InvalidArgumentError):
        nn.GRU(0)
    with pytest.raises(InvalidArgumentError):
        nn.RNN(3, layers=0)
