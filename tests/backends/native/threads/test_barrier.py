"""The barrier: nobody passes before all have come, for any number of threads on any CPU."""

import ctypes
import threading

import llvmlite.binding as llvm
import numpy as np
import pytest

from gradiente.backends.native.machine.engine import compile_text
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.threads.barrier import SYNC_BYTES, barrier, system_of

TRIPLES = {
    "x86_64-unknown-linux-gnu": "i64 202",
    "aarch64-unknown-linux-gnu": "i64 98",
    "x86_64-pc-windows-msvc": "WaitOnAddress",
    "arm64-apple-darwin23.0.0": "__ulock_wait",
    "x86_64-unknown-freebsd14": "sched_yield",
}

# Each thread counts its rounds in a slot of its own, and after each barrier looks whether all
# others are in the same round; the second barrier keeps the next round from beginning meanwhile.
MEETING = """
define void @meet(ptr %sync, ptr %slots, ptr %failures, i64 %rounds, i64 %thread, i64 %threads) {
entry:
  %mine = getelementptr i64, ptr %slots, i64 %thread
  %failed = getelementptr i64, ptr %failures, i64 %thread
  br label %round
round:
  %before = phi i64 [ 0, %entry ], [ %number, %after ]
  %number = add i64 %before, 1
  store i64 %number, ptr %mine
  call void @barrier(ptr %sync, i64 %threads)
  br label %look
look:
  %other = phi i64 [ 0, %round ], [ %next, %look ]
  %count = phi i64 [ 0, %round ], [ %counted, %look ]
  %at = getelementptr i64, ptr %slots, i64 %other
  %theirs = load i64, ptr %at
  %differs = icmp ne i64 %theirs, %number
  %wrong = zext i1 %differs to i64
  %counted = add i64 %count, %wrong
  %next = add i64 %other, 1
  %all = icmp eq i64 %next, %threads
  br i1 %all, label %after, label %look
after:
  %sum = load i64, ptr %failed
  %failures.now = add i64 %sum, %counted
  store i64 %failures.now, ptr %failed
  call void @barrier(ptr %sync, i64 %threads)
  %last = icmp eq i64 %number, %rounds
  br i1 %last, label %done, label %round
done:
  ret void
}
"""


@pytest.fixture(scope="module")
def meet():
    declarations, text = barrier(host().triple)
    library = compile_text(f"{declarations}\n{text}\n{MEETING}")
    return library.function("meet", *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 3)


def aligned(size: int) -> np.ndarray:
    block = np.zeros(size + 128, np.uint8)
    start = -block.ctypes.data % 128
    return block[start : start + size]


@pytest.mark.parametrize(("threads", "rounds"), [(1, 5000), (2, 50000), (3, 2000), (7, 1000)])
def test_nobody_passes_before_all_have_come(meet, threads, rounds):
    """More threads than CPUs sleep and wake in every round, and get on."""
    sync, slots, failures = aligned(SYNC_BYTES), np.zeros(threads, int), np.zeros(threads, int)
    shared = sync.ctypes.data, slots.ctypes.data, failures.ctypes.data, rounds
    team = [
        threading.Thread(target=meet, args=(*shared, thread, threads), daemon=True)
        for thread in range(threads)
    ]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join(timeout=120)
        assert not thread.is_alive()
    assert (slots == rounds).all()
    assert not failures.any()


def test_one_barrier_serves_teams_of_any_size_one_after_the_other(meet):
    sync, slots, failures = aligned(SYNC_BYTES), np.zeros(3, int), np.zeros(3, int)
    shared = sync.ctypes.data, slots.ctypes.data, failures.ctypes.data, 20
    for threads in (3, 1, 2, 3):
        team = [
            threading.Thread(target=meet, args=(*shared, thread, threads), daemon=True)
            for thread in range(threads)
        ]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join(timeout=120)
            assert not thread.is_alive()
    assert not failures.any()


def test_the_counter_of_rounds_may_overflow(meet):
    sync, slots, failures = aligned(SYNC_BYTES), np.zeros(1, int), np.zeros(2, int)
    sync.view(np.int32)[SYNC_BYTES // 8] = -8  # the rounds stand in the second half
    slots = np.zeros(2, int)
    shared = sync.ctypes.data, slots.ctypes.data, failures.ctypes.data, 10
    partner = threading.Thread(target=meet, args=(*shared, 1, 2), daemon=True)
    partner.start()
    meet(*shared, 0, 2)
    partner.join(timeout=120)
    assert not failures.any() and (slots == 10).all()
    assert sync.view(np.int32)[SYNC_BYTES // 8] & ~1 == 32


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_text_is_right_for_every_system(triple):
    declarations, text = barrier(triple)
    llvm.parse_assembly(f"{declarations}\n{text}").verify()
    assert TRIPLES[triple] in text
    assert system_of(triple).declarations in declarations
