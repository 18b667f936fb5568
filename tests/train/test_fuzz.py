"""Whatever is in a file, loading it gives an error of the library or something that works."""

import contextlib
import copy
import hashlib
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save

import gradiente as gd
from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import GradienteError
from gradiente.train.callbacks import Callback

RANDOM = np.random.default_rng(57)
X = RANDOM.normal(size=(20, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
ALLOWED = 4_000_000  # bytes that any file may need, for the library's own things
FACTOR = 8  # times the size of the file
FEW, MANY = 1000, 50_000
SOME, LOTS = 500, 25_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The contents of intact files: of a trainer between epochs, inside one, and of a network."""
    folder = tmp_path_factory.mktemp("intact")

    class Save(Callback):
        def on_batch_end(self, trainer, batch):
            trainer.save(folder / "open")

    net = nn.Sequential(nn.Dense(3), nn.BatchNorm(), nn.Residual(nn.tanh), nn.Dense(2))
    trainer = gd.Trainer(
        net, losses.cross_entropy, optimizers.Adam(0.1), metrics=[metrics.accuracy], accumulate=2
    )
    trainer.fit(X, Y, epochs=2, batch_size=5, callbacks=[Save()], verbose=False)
    trainer.save(folder / "trainer")
    gd.save(net, folder / "network")
    return [(folder / name).read_bytes() for name in ("trainer", "open", "network")]


def load(path, content):
    """Load a file with these contents: only errors of the library, little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with contextlib.suppress(GradienteError):
            return gd.load(path)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < ALLOWED + FACTOR * len(content)


def mutated(content, random):
    """The contents after some bytes were changed, cut, repeated or put in."""
    content = bytearray(content)
    for _ in range(random.integers(1, 4)):
        place, length = random.integers(len(content) + 1), int(random.integers(1, 65))
        # half of the changes are in the header, where they matter most
        place = int(place if random.random() < 0.5 else random.integers(min(len(content), 400) + 1))
        piece = bytes(random.integers(0, 256, length, np.uint8))
        match random.integers(6):
            case 0:
                content[place : place + 1] = piece[:1]
            case 1:
                del content[place:]
            case 2:
                content[place:place] = piece
            case 3:
                content[place:place] = content[place : place + length]
            case 4:
                del content[place : place + length]
            case 5:
                content[place : place + length] = piece
    return bytes(content)


def slow(number, few, request):
    if number > few and "slow" not in request.config.getoption("markexpr"):
        pytest.skip("takes minutes: run with `-m slow`")


def sizes(few, many):
    return pytest.mark.parametrize("number", [few, pytest.param(many, marks=pytest.mark.slow)])


@sizes(FEW, MANY)
def test_mutated_files(number, files, tmp_path, request):
    slow(number, FEW, request)
    random = np.random.default_rng(number)
    for n in range(number):
        load(tmp_path / "file", mutated(files[n % len(files)], random))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**9, 10**18, 2**63, -1])
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["Dense", "LSTM", "relu", "tanh", "adam", "f4", "0", "layer", "os.system"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def places(words, path=()):
    """The path of everything inside of some words."""
    items = words.items() if isinstance(words, dict) else enumerate(words)
    for name, value in items:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


def forged(content, path, draw):
    """The contents with other words at some places, and right checksums."""
    path.write_bytes(content)
    with safe_open(str(path), framework="numpy") as file:
        words = json.loads(file.metadata()["gradiente"])
        arrays = {name: file.get_tensor(name) for name in words["arrays"]}
    words = copy.deepcopy(words)
    for _ in range(draw(st.integers(1, 3))):
        inside = [path for path in places(words) if len(path) < 2 or path[0] != "arrays"]
        *above, last = draw(st.sampled_from(inside))
        holder = words
        for name in above:
            holder = holder[name]
        if draw(st.integers(0, 3)) == 0:
            del holder[last]
        else:
            holder[last] = draw(JSON)
        if not words:
            break
    return sealed(words, arrays)


def sealed(words, arrays):
    listed = words.get("arrays")
    kept = {name: a for name, a in arrays.items() if not isinstance(listed, dict) or name in listed}
    text = json.dumps(words)
    seal = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return save(kept, metadata={"gradiente": text, "sha256": seal})


@sizes(SOME, LOTS)
def test_forged_files(number, files, tmp_path_factory, request):
    """Right checksums, but anything in the header."""
    slow(number, SOME, request)
    path = tmp_path_factory.mktemp("forged") / "file"

    @settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data):
        content = forged(data.draw(st.sampled_from(files)), path, data.draw)
        trainer = load(path, content)
        if isinstance(trainer, gd.Trainer):
            with contextlib.suppress(GradienteError):
                repr(trainer), trainer.weights(), trainer.position, repr(trainer.history)

    check()


@sizes(SOME, LOTS)
def test_any_bytes(number, tmp_path_factory, request):
    slow(number, SOME, request)
    path = tmp_path_factory.mktemp("any") / "file"

    @settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=300), JSON, st.booleans())
    def check(content, header, with_header):
        text = json.dumps(header).encode()
        load(path, len(text).to_bytes(8, "little") + text + content if with_header else content)

    check()


def test_the_intact_files_load(files, tmp_path):
    for content in files:
        assert load(tmp_path / "file", content) is not None
