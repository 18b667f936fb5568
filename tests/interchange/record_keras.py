"""Record what Keras's layers give, for `test_keras_layers.py`: their weights, inputs and outputs.

pip install keras torch h5py && KERAS_BACKEND=torch python -m tests.interchange.record_keras
"""

import json
import tempfile
from pathlib import Path

import numpy as np

PLACE = Path(__file__).with_name("keras_layers.json")
RANDOM = np.random.default_rng(63)


def layers():
    """Networks by name, and the shape of a sample."""
    from keras import layers as k

    sequence, image = (4, 3), (3, 4, 2)
    return {
        "SimpleRNN": (sequence, [k.SimpleRNN(2, return_sequences=True)]),
        "LSTM": (sequence, [k.LSTM(2, return_sequences=True), k.LSTM(2)]),
        "LSTM without bias": (sequence, [k.LSTM(2, use_bias=False)]),
        "GRU": (sequence, [k.GRU(2, return_sequences=True)]),
        "GRU without bias": (sequence, [k.GRU(2, use_bias=False)]),
        "both ways": (
            sequence,
            [k.Bidirectional(k.LSTM(2, return_sequences=True)), k.Bidirectional(k.GRU(2))],
        ),
        "Conv1D": (sequence, [k.Conv1D(2, 2, strides=2)]),
        "Conv2DTranspose": (image, [k.Conv2DTranspose(3, 3, strides=2)]),
        "DepthwiseConv2D": (image, [k.DepthwiseConv2D(2, depth_multiplier=2)]),
        "SeparableConv2D": (image, [k.SeparableConv2D(3, 2, depth_multiplier=2)]),
        "SeparableConv1D": (sequence, [k.SeparableConv1D(2, 2, use_bias=False)]),
        "GroupNormalization": (image, [k.GroupNormalization(2, epsilon=1e-3)]),
        "RMSNormalization": (sequence, [k.RMSNormalization(epsilon=1e-6)]),
        "BatchNormalization": (image, [k.BatchNormalization(epsilon=1e-3)]),
        "PReLU": (image, [k.PReLU(shared_axes=[1, 2])]),
        "MultiHeadAttention": ((3, 4), [k.MultiHeadAttention(2, 2)]),
    }


def plain(array):
    """Nested lists, with as many digits as float32 has."""
    return [plain(each) for each in array] if array.ndim else float(f"{array:.9g}")


def recorded(shape, stack):
    """The weights by their paths in a file, inputs and outputs."""
    import h5py
    import keras

    inputs = keras.Input(shape)
    y = inputs
    for layer in stack:
        attends = isinstance(layer, keras.layers.MultiHeadAttention)
        y = layer(y, y) if attends else layer(y)
    model = keras.Model(inputs, y)
    model.set_weights([RANDOM.uniform(0.2, 1, w.shape) for w in model.get_weights()])
    weights = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = plain(np.asarray(item))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        model.save_weights(path)
        with h5py.File(path) as file:
            file.visititems(visit)
    x = RANDOM.normal(size=(2, *shape)).astype(np.float32)
    y = keras.ops.convert_to_numpy(model(x))
    return {"weights": weights, "x": plain(x), "y": plain(y)}


def main():
    found = {}
    for name, (shape, stack) in layers().items():
        import keras

        found[name] = recorded(shape, stack)
        keras.backend.clear_session()
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in found.items()]
    PLACE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
