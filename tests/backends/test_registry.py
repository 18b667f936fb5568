"""Which backend is used, and what happens where the native one cannot be."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends import registry
from gradiente.backends.native import backend as native
from gradiente.backends.registry import backend_named
from gradiente.base.errors import BackendError, UnknownNameError


@pytest.fixture
def without_llvmlite(monkeypatch):
    native.obstacle.cache_clear()
    registry._warn.cache_clear()
    monkeypatch.setattr(native, "find_spec", lambda name: None)
    monkeypatch.delenv("GRADIENTE_BACKEND", raising=False)
    yield
    native.obstacle.cache_clear()
    registry._warn.cache_clear()


def test_the_native_backend_is_the_default(monkeypatch):
    monkeypatch.delenv("GRADIENTE_BACKEND", raising=False)
    assert backend_named(None).name == "native"
    monkeypatch.setenv("GRADIENTE_BACKEND", "numpy")
    assert backend_named(None).name == "numpy"
    assert backend_named("native").name == "native"


def test_without_llvmlite_numpy_takes_over_with_one_warning(without_llvmlite):
    function = gd.compile(lambda x: np.tanh(x) * 2)
    with pytest.warns(UserWarning, match="llvmlite is not installed.*NumPy takes over"):
        np.testing.assert_array_equal(function(np.ones(3)), np.tanh(np.ones(3)) * 2)
    assert function.backend.name == "numpy"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gd.compile(lambda x: x + 1)(1.0) == 2.0


def test_a_backend_that_was_asked_for_must_work(without_llvmlite):
    with pytest.raises(BackendError, match=r"`native` cannot be used here: .* not installed"):
        gd.compile(lambda x: x, backend="native")


def test_an_unknown_cpu_is_named(monkeypatch, without_llvmlite):
    monkeypatch.setattr(native, "find_spec", lambda name: True)
    target = replace(native.host(), triple="riscv64-unknown-linux-gnu")
    monkeypatch.setattr(native, "host", lambda: target)
    with pytest.warns(UserWarning, match=r"this kind of CPU is not known \(riscv64\)"):
        assert backend_named(None).name == "numpy"


def test_unknown_names_list_what_there_is():
    with pytest.raises(UnknownNameError, match="no backend `cuda`; there are: native, numpy"):
        gd.compile(lambda x: x, backend="cuda")
