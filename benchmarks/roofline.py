"""The most floating-point operations a second: multiply-adds in registers, on all cores at once."""

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from llvmlite import binding as llvm

from benchmarks.machine import cores, features

ACCUMULATORS = 24  # enough to hide the latency of an addition, few enough to stay in registers
SECONDS = 0.02  # of one attempt
ATTEMPTS = 3
TRIAL = 100_000  # rounds of the loop to see how long they take

# p: two vectors, the factors; the sum of the accumulators is written back, so that it is needed.
KERNEL = """
declare {vector} @llvm.fma.{mangled}({vector}, {vector}, {vector})

define void @peak(ptr %p, i64 %rounds) {{
entry:
  %x = load {vector}, ptr %p, align {size}
  %q = getelementptr {element}, ptr %p, i64 {lanes}
  %y = load {vector}, ptr %q, align {size}
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%j, %loop]
{phis}
{products}
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %rounds
  br i1 %more, label %loop, label %end
end:
{sums}
  store {vector} %s{last}, ptr %p, align {size}
  ret void
}}
"""


def vector_bytes() -> int:
    """The width of the widest vector the processor has."""
    present = features()
    return 64 if "avx512f" in present else 32 if "avx" in present else 16


def kernel(dtype: str) -> str:
    """LLVM's text of the loop."""
    size = np.dtype(dtype).itemsize
    lanes = vector_bytes() // size
    element, short = ("float", "f32") if size == 4 else ("double", "f64")
    vector, mangled = f"<{lanes} x {element}>", f"v{lanes}{short}"
    call = f"call {vector} @llvm.fma.{mangled}({vector} %x, {vector} %y, {vector} %a"
    places = range(ACCUMULATORS)
    return KERNEL.format(
        vector=vector,
        mangled=mangled,
        element=element,
        size=size,
        lanes=lanes,
        phis="\n".join(f"  %a{n} = phi {vector} [%x, %entry], [%b{n}, %loop]" for n in places),
        products="\n".join(f"  %b{n} = {call}{n})" for n in places),
        sums="\n".join(
            f"  %s{n} = fadd {vector} {f'%s{n - 1}' if n > 1 else '%b0'}, %b{n}" for n in places[1:]
        ),
        last=ACCUMULATORS - 1,
    )


class Roofline:
    """The loop, compiled for this processor."""

    def __init__(self, dtype: str):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
        )
        # The code lives as long as the engine does.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(kernel(dtype)), machine)
        self._engine.finalize_object()
        signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
        self._run = signature(self._engine.get_function_address("peak"))
        self._dtype = dtype
        lanes = vector_bytes() // np.dtype(dtype).itemsize
        self._flops = 2 * ACCUMULATORS * lanes  # of a round

    def measure(self) -> float:
        """Operations a second of all cores together, in the best of a few attempts."""
        start, end = self._time(TRIAL)
        rounds = max(TRIAL, int(TRIAL * SECONDS / (end - start)))
        return max(self._attempt(rounds) for _ in range(ATTEMPTS))

    def _attempt(self, rounds: int) -> float:
        count = cores()
        ready = Barrier(count)
        with ThreadPoolExecutor(count) as threads:
            spans = list(threads.map(lambda _: self._time(rounds, ready), range(count)))
        start, end = min(s for s, _ in spans), max(e for _, e in spans)
        return count * rounds * self._flops / (end - start)

    def _time(self, rounds: int, ready: Barrier | None = None) -> tuple[float, float]:
        """When it began and when it ended; the loop runs without Python's lock."""
        factors = np.full(2 * vector_bytes(), 0.5, self._dtype)
        if ready:
            ready.wait()
        start = time.perf_counter()
        self._run(factors.ctypes.data, rounds)
        return start, time.perf_counter()
