"""Compiled objects on disk: found again, never trusted blindly, never in the way."""

import ctypes
import dataclasses
import gc
import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import pytest

from gradiente.backends.native.machine import cache, engine
from gradiente.base.settings import SETTINGS

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="access lists rule on Windows")
not_root = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere"
)

KEY = cache.key_of("some code")
CODE = b"\x00machine code\xff" * 10


def text(value: int) -> str:
    """A module with one function, which stores a number."""
    return f"define void @answer(ptr %out) {{\n  store i64 {value}, ptr %out\n  ret void\n}}\n"


def answer(library: engine.Library) -> int:
    out = ctypes.c_int64(0)
    library.function("answer", ctypes.c_void_p)(ctypes.addressof(out))
    return out.value


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The folder of the objects, in an empty cache."""
    monkeypatch.setenv("GRADIENTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "objects"


def entry(place: Path) -> Path:
    (path,) = place.glob("*" + cache.SUFFIX)
    return path


# -- through the engine ----------------------------------------------------------------------------


def test_what_was_compiled_once_is_found_and_counted(place):
    before = dataclasses.replace(engine.counts)
    first, second, other = (engine.compile_text(text(value)) for value in (41, 41, 42))
    assert [answer(library) for library in (first, second, other)] == [41, 41, 42]
    assert [library.found for library in (first, second, other)] == [False, True, False]
    assert engine.counts.compiled - before.compiled == 2
    assert engine.counts.found - before.found == 1
    assert len(list(place.iterdir())) == 2


def test_what_is_found_is_not_parsed(place, monkeypatch):
    engine.compile_text(text(5))
    monkeypatch.setattr(engine, "_emitted", None)
    assert answer(engine.compile_text(text(5))) == 5


def test_code_that_was_found_lives_as_long_as_its_functions(place):
    for round_ in range(20):
        out = ctypes.c_int64(0)
        function = engine.compile_text(text(round_ % 2)).function("answer", ctypes.c_void_p)
        gc.collect()
        function(ctypes.addressof(out))
        assert out.value == round_ % 2


def test_functions_of_the_process_are_linked(place):
    calling = (
        "declare i64 @labs(i64)\n"
        "define void @answer(ptr %out) {\n  %x = call i64 @labs(i64 -7)\n"
        "  store i64 %x, ptr %out\n  ret void\n}\n"
    )
    assert [answer(engine.compile_text(calling)) for _ in range(2)] == [7, 7]


def test_wrong_text_raises_and_leaves_nothing(place):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="expected"):
            engine.compile_text("define void @answer(")
    assert not place.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": "x86-64"},
        {"features": "-avx512f"},
        {"triple": "x86_64-unknown-none-elf"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_key_names_the_cpu(change):
    host = engine.host()
    other = dataclasses.replace(host, **change)
    assert engine._key(text(1), other) != engine._key(text(1), host)
    assert engine._key(text(1), dataclasses.replace(host)) == engine._key(text(1), host)


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (engine, "__version__", "9.9"),
        (engine, "CODEGEN_OPTIONS", {"opt": 1, "jit": True}),
        (llvmlite, "__version__", "9.9"),
        (llvmlite.binding, "llvm_version_info", (99, 0, 0)),
    ],
    ids=["gradiente", "options", "llvmlite", "llvm"],
)
def test_the_key_names_the_versions(owner, name, value, monkeypatch):
    before = engine._key(text(1), engine.host())
    monkeypatch.setattr(owner, name, value)
    assert engine._key(text(1), engine.host()) != before


def test_keys_of_different_parts_differ():
    lists = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc")]
    assert len({cache.key_of(*parts) for parts in lists}) == len(lists)


# -- damage ----------------------------------------------------------------------------------------


def test_damage_to_any_byte_is_noticed(place):
    cache.store(KEY, CODE)
    path = entry(place)
    sound = path.read_bytes()
    for position in range(len(sound)):
        damaged = bytearray(sound)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert cache.load(KEY) is None, position
    path.write_bytes(sound)
    assert cache.load(KEY) == CODE


def test_a_cut_or_longer_entry_is_noticed(place):
    cache.store(KEY, CODE)
    path = entry(place)
    sound = path.read_bytes()
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        assert cache.load(KEY) is None, length
    path.write_bytes(sound + b"\0")
    assert cache.load(KEY) is None


def test_an_entry_of_another_name_is_noticed(place):
    cache.store(KEY, CODE)
    other = cache.key_of("other code")
    entry(place).rename(place / (other + cache.SUFFIX))
    assert cache.load(other) is None


def test_a_damaged_entry_is_compiled_again_and_replaced(place):
    engine.compile_text(text(6))
    path = entry(place)
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2])
    library = engine.compile_text(text(6))
    assert answer(library) == 6
    assert not library.found
    assert path.read_bytes() == sound


# -- who may read and write ------------------------------------------------------------------------


@posix
def test_only_the_owner_can_read_and_write(place):
    before = os.umask(0)
    try:
        cache.store(KEY, CODE)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (place.parent, place, entry(place))] == [
        0o700,
        0o700,
        0o600,
    ]


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used(place, mode):
    cache.store(KEY, CODE)
    place.chmod(mode)
    assert cache.load(KEY) is None
    cache.store(cache.key_of("other code"), CODE)
    assert len(list(place.iterdir())) == 1
    place.chmod(0o700)
    assert cache.load(KEY) == CODE


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_may_write_to_is_not_used(place, mode):
    cache.store(KEY, CODE)
    entry(place).chmod(mode)
    assert cache.load(KEY) is None
    cache.store(KEY, CODE)  # which puts one of our own in its place
    assert cache.load(KEY) == CODE


@posix
def test_what_belongs_to_another_user_is_not_used(place, monkeypatch):
    cache.store(KEY, CODE)
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    assert cache.load(KEY) is None
    cache.store(cache.key_of("other code"), CODE)
    assert len(list(place.iterdir())) == 1


@posix
def test_an_entry_of_another_user_is_not_used(place, monkeypatch):
    cache.store(KEY, CODE)
    status = os.stat(entry(place))
    foreign = os.stat_result([*status[:4], status.st_uid + 1, *status[5:10]])
    monkeypatch.setattr(os, "fstat", lambda handle: foreign)
    assert cache.load(KEY) is None


@posix
def test_a_link_in_place_of_an_entry_is_not_followed(place, tmp_path):
    cache.store(KEY, CODE)
    path = entry(place)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert cache.load(KEY) is None


@posix
@not_root
def test_a_folder_that_cannot_be_written_to_is_no_obstacle(place):
    place.mkdir(parents=True)
    place.chmod(0o500)
    assert answer(engine.compile_text(text(7))) == 7
    assert not list(place.iterdir())


@pytest.mark.parametrize("level", [0, 1])
def test_a_file_in_place_of_the_folder_is_no_obstacle(place, level):
    obstacle = (place.parent, place)[level]
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("in the way")
    assert answer(engine.compile_text(text(8))) == 8
    assert obstacle.read_text() == "in the way"


@pytest.mark.parametrize("name", ["mkstemp", "replace", "mkdir", "iterdir"])
def test_a_disk_that_fails_is_no_obstacle(place, name, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    owner = {"mkstemp": cache.tempfile, "replace": os}.get(name, Path)
    monkeypatch.setattr(owner, name, full)
    assert answer(engine.compile_text(text(9))) == 9
    monkeypatch.undo()
    assert not list(place.glob("*" + cache.UNFINISHED))


# -- size ------------------------------------------------------------------------------------------


def test_the_least_recently_used_go_first(place, monkeypatch):
    size = cache.HEADER + len(CODE)
    monkeypatch.setattr(cache, "LIMIT", 3 * size)
    keys = [cache.key_of(str(number)) for number in range(4)]
    for age, key in enumerate(keys[:3]):
        cache.store(key, CODE)
        moment = 1_000_000 + age
        os.utime(place / (key + cache.SUFFIX), (moment, moment))
    assert cache.load(keys[0]) == CODE  # the oldest, but used now
    cache.store(keys[3], CODE)
    assert [cache.load(key) is not None for key in keys] == [True, False, True, True]


def test_what_a_crash_left_is_removed_in_its_turn_and_other_files_never(place, monkeypatch):
    cache.store(KEY, CODE)
    left, foreign = place / ("left" + cache.UNFINISHED), place / "letter.txt"
    for path in (left, foreign):
        path.write_bytes(bytes(1000))
        os.utime(path, (1, 1))
    monkeypatch.setattr(cache, "LIMIT", 2 * (cache.HEADER + len(CODE)))
    cache.store(cache.key_of("other code"), CODE)
    assert not left.exists()
    assert foreign.exists()
    assert cache.load(KEY) == CODE


def test_what_is_larger_than_the_limit_is_not_kept(place, monkeypatch):
    cache.store(KEY, CODE)
    monkeypatch.setattr(cache, "LIMIT", cache.HEADER + len(CODE))
    other = cache.key_of("other code")
    cache.store(other, CODE + b"\0")
    assert cache.load(other) is None
    assert cache.load(KEY) == CODE


# -- where -----------------------------------------------------------------------------------------


def test_off_keeps_nothing(place, monkeypatch):
    cache.store(KEY, CODE)
    monkeypatch.setenv("GRADIENTE_CACHE", "off")
    assert cache.folder() is None
    assert cache.load(KEY) is None
    assert [engine.compile_text(text(3)).found for _ in range(2)] == [False, False]
    assert len(list(place.iterdir())) == 1
    assert "off" in SETTINGS["GRADIENTE_CACHE"].meaning


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {}, "~/.cache/gradiente/objects"),
        ("linux", {"XDG_CACHE_HOME": "/somewhere"}, "/somewhere/gradiente/objects"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "~/.cache/gradiente/objects"),
        ("darwin", {}, "~/Library/Caches/gradiente/objects"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/gradiente/objects"),
        ("win32", {}, "~/AppData/Local/gradiente/objects"),
        ("linux", {"GRADIENTE_CACHE": "~/mine"}, "~/mine/objects"),
    ],
)
@posix
def test_the_folder_is_where_the_system_keeps_caches(
    system, environment, expected, monkeypatch, tmp_path
):
    monkeypatch.setattr(sys, "platform", system)
    for name in ("GRADIENTE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    assert cache.folder() == Path(expected).expanduser()


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def homeless(*args):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GRADIENTE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache.folder() is None
    assert cache.load(KEY) is None
    cache.store(KEY, CODE)


# -- several processes -----------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from test_cache import answer, engine, text
engine.cache.LIMIT = 4000  # so that they also remove each other's entries
for round_ in range(8):
    for value in range(6):
        assert answer(engine.compile_text(text(value))) == value
print(engine.counts.compiled, engine.counts.found)
"""


def test_processes_share_it_at_once(place):
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        output, error = process.communicate()
        assert process.returncode == 0, error
        assert sum(map(int, output.split())) == 48
    assert {path.suffix for path in place.iterdir()} == {cache.SUFFIX}
    assert sum(path.stat().st_size for path in place.iterdir()) <= 4000 + 1000
