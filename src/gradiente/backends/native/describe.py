"""A native program for people: kernels named after what they compute, beside the user's lines."""

import re

from gradiente.backends.native.machine.engine import assembly
from gradiente.backends.native.machine.target import Target
from gradiente.backends.native.module import NativeModule
from gradiente.backends.native.names import lines_of, operations_of
from gradiente.backends.native.program import Written


def llvm_text(module: NativeModule) -> str:
    """The module with a comment above each kernel: its operations, and the user's lines."""
    return _commented(module, module.text, ";", r"^define void @{name}\(")


def machine_code(module: NativeModule) -> str:
    """The machine code of the module, with the same comments."""
    sign = _comment_sign(module.target)
    return _commented(module, assembly(module.text), sign, r"^_?{name}:")


def _comment_sign(target: Target) -> str:
    """How the assembler of a CPU begins a comment."""
    return "#" if target.triple.startswith(("x86_64", "i686")) else "//"


def _commented(module: NativeModule, text: str, sign: str, pattern: str) -> str:
    """The text with comments before the lines in which kernels begin."""
    comments: dict[str, list[str]] = {}
    for name, written in module.uses:
        comments.setdefault(name, []).append(_comment(written, sign))
    start = re.compile(pattern.format(name=rf"({'|'.join(map(re.escape, comments))})"), re.M)
    if not comments:
        return text
    return start.sub(lambda found: "".join(comments[found[1]]) + found[0], text)


def _comment(written: Written, sign: str) -> str:
    """One use of a kernel: several lines where several of the user's are behind it."""
    lines = [", ".join(operations_of(written.kernel))]
    lines += [f"  {line}" for line in lines_of(written.kernel)]
    return "".join(f"{sign} {line}\n" for line in lines)
