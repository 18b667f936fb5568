"""From LLVM's text to machine code that can be called: the one place that runs llvmlite."""

import ctypes
import threading
from dataclasses import dataclass
from typing import Any

from gradiente.backends.native.target import Target, host

CODEGEN_LEVEL = 3  # the code is written as it should be: only the code generator is asked

_lock = threading.Lock()  # llvmlite's engines are made one at a time


@dataclass(eq=False)
class Library:
    """Compiled functions, alive as long as this object is.

    A function's address is only valid while the engine that owns the code lives: whoever keeps an
    address keeps the library too.
    """

    engine: Any
    text: str

    def function(self, name: str, *types: Any) -> Any:
        """A function that takes arguments of ctypes types and returns nothing."""
        prototype = ctypes.CFUNCTYPE(None, *types)
        callable_ = prototype(self.engine.get_function_address(name))
        callable_.library = self  # type: ignore[attr-defined]
        return callable_


def target_machine(target: Target) -> Any:
    """A new code generator; an engine takes it over and ends it, so each engine needs its own."""
    import llvmlite.binding as llvm

    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=CODEGEN_LEVEL, jit=True
    )


def compile_text(text: str) -> Library:
    """Compile a module of LLVM text for this CPU."""
    import llvmlite.binding as llvm

    target = host()
    with _lock:
        module = llvm.parse_assembly(text)
        module.verify()
        module.triple = target.triple
        engine = llvm.create_mcjit_compiler(module, target_machine(target))
        engine.finalize_object()
    return Library(engine, text)


def assembly(text: str) -> str:
    """The machine code of a module, as the assembler writes it."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    return target_machine(host()).emit_assembly(module)
