"""The team of native threads: handing over work, ends of all kinds, and how many threads to use."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gradiente.backends.native.machine.engine import compile_text
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.threads import workers
from gradiente.backends.native.threads.workers import (
    Team,
    available_threads,
    processors,
    quota_files,
    run_native,
    run_together,
    team_text,
    thread_count,
    whole_cpus,
)
from gradiente.base.errors import InvalidArgumentError

# `note` writes into its thread's entry how many threads there are. `until` first waits for entry 15
# to be set: a piece of work that takes as long as a test wants.
TEXT = """
define void @note(ptr %argument, i64 %thread, i64 %threads) {
entry:
  %at = getelementptr i64, ptr %argument, i64 %thread
  %before = load i64, ptr %at
  %now = add i64 %before, %threads
  store i64 %now, ptr %at
  ret void
}
define void @until(ptr %argument, i64 %thread, i64 %threads) {
entry:
  %flag = getelementptr i64, ptr %argument, i64 15
  br label %wait
wait:
  %value = load atomic i64, ptr %flag acquire, align 8
  %set = icmp ne i64 %value, 0
  br i1 %set, label %go, label %wait
go:
  call void @note(ptr %argument, i64 %thread, i64 %threads)
  ret void
}
"""

# The beginning of a program that a subprocess runs: the functions above, and `entries` for them.
SCRIPT = f"""
import os, signal, sys, threading, time
import numpy as np
from gradiente.backends.native.machine.engine import compile_text
from gradiente.backends.native.threads.workers import run_native
library = compile_text('''{TEXT}''')
note, until = (library.engine.get_function_address(name) for name in ("note", "until"))
entries = np.zeros(16, np.int64)
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture(scope="module")
def library():
    return compile_text(TEXT)


@pytest.fixture
def note(library):
    return library.engine.get_function_address("note")


@pytest.fixture
def until(library):
    return library.engine.get_function_address("until")


@pytest.fixture
def entries():
    return np.zeros(16, np.int64)


def expected(threads: int) -> list[int]:
    """What `note` leaves in the entries if all threads ran it once."""
    return [threads] * threads + [0] * (16 - threads)


def in_background(function: int, entries: np.ndarray, threads: int) -> threading.Thread:
    """A Python thread that hands out work, and has begun to."""
    arguments = (function, entries.ctypes.data, threads)
    thread = threading.Thread(target=run_native, args=arguments, daemon=True)
    thread.start()
    time.sleep(0.05)
    return thread


def program(text: str, seconds: int = 60) -> str:
    """What a program of its own prints; it must end with code 0, and in time."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + text], capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("threads", [1, 2, 3, 7, 2, 1])
def test_every_thread_runs_with_its_own_number(note, entries, threads):
    for _ in range(100):
        entries[:] = 0
        run_native(note, entries.ctypes.data, threads)
        assert entries.tolist() == expected(threads)


def test_workers_that_sleep_are_woken(note, entries):
    for _ in range(5):
        time.sleep(0.01)
        entries[:] = 0
        run_native(note, entries.ctypes.data, 3)
        assert entries.tolist() == expected(3)


def test_the_caller_sleeps_until_slow_workers_have_finished(note, entries):
    def work(thread: int, threads: int) -> None:
        time.sleep(0.02 * thread)
        entries[thread] = threads

    run_together(work, 3)
    assert entries.tolist() == expected(3)


def test_who_finds_the_team_taken_works_alone(note, until, entries):
    slow = in_background(until, entries, 2)
    mine = np.zeros(16, np.int64)
    run_native(note, mine.ctypes.data, 2)
    assert mine.tolist() == expected(1)
    entries[15] = 1
    slow.join(timeout=60)
    assert entries.tolist() == [*expected(2)[:15], 1]
    run_native(note, mine.ctypes.data, 2)
    assert mine.tolist() == [3, 2, *[0] * 14]


def test_two_python_threads_hand_out_work_at_once(note):
    failures = []

    def work() -> None:
        entries = np.zeros(16, np.int64)
        for _ in range(1000):
            entries[:] = 0
            run_native(note, entries.ctypes.data, 2)
            if entries.tolist() not in (expected(2), expected(1)):
                failures.append(entries.tolist())

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert not failures


def test_an_error_in_python_work_comes_out_after_all_have_finished():
    finished = []

    def work(thread: int, threads: int) -> None:
        if thread == 0:
            raise ValueError("the first thread fails")
        time.sleep(0.05)
        finished.append(thread)

    with pytest.raises(ValueError, match="the first thread fails"):
        run_together(work, 3)
    assert sorted(finished) == [1, 2]


def test_libraries_are_collected_while_others_run(until, entries):
    slow = in_background(until, entries, 2)
    for number in range(10):
        other = compile_text(TEXT + f"; edition {number}")
        mine = np.zeros(16, np.int64)
        run_native(other.engine.get_function_address("note"), mine.ctypes.data, 2)
        assert mine.tolist() == expected(1)
        del other
        gc.collect()
    entries[15] = 1
    slow.join(timeout=60)
    assert entries[:2].tolist() == [2, 2]


def test_a_library_may_go_as_soon_as_its_work_has_ended(entries):
    for number in range(10):
        other = compile_text(TEXT + f"; print {number}")
        entries[:] = 0
        run_native(other.engine.get_function_address("note"), entries.ctypes.data, 3)
        del other
        gc.collect()
        assert entries.tolist() == expected(3)


def test_without_more_threads_from_the_system_the_work_is_done_by_fewer(note, entries, monkeypatch):
    team = Team(compile_text(team_text(host().triple)))
    team.run(note, entries.ctypes.data, 2)
    assert entries.tolist() == expected(2)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        entries[:] = 0
        team.run(note, entries.ctypes.data, 5)
        assert entries.tolist() == expected(2)
    entries[:] = 0
    team.run(note, entries.ctypes.data, 3)
    assert entries.tolist() == expected(3)
    assert team.close()


def test_a_closed_team_leaves_its_callers_alone(note, entries):
    team = Team(compile_text(team_text(host().triple)))
    team.run(note, entries.ctypes.data, 3)
    assert team.close() and team.close()
    entries[:] = 0
    team.run(note, entries.ctypes.data, 4)
    assert entries.tolist() == expected(1)
    assert len(team.threads) == 2


@needs_fork
@ignores_fork_warning
def test_a_child_of_a_fork_has_workers_of_its_own(note, entries):
    run_native(note, entries.ctypes.data, 3)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        entries[:] = 0
        run_native(note, entries.ctypes.data, 3)
        os._exit(0 if entries.tolist() == expected(3) else 1)
    assert os.waitpid(child, 0)[1] == 0
    entries[:] = 0
    run_native(note, entries.ctypes.data, 3)
    assert entries.tolist() == expected(3)


@needs_fork
@ignores_fork_warning
def test_a_fork_while_work_runs_harms_neither_side(note, until, entries):
    slow = in_background(until, entries, 3)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        mine = np.zeros(16, np.int64)
        run_native(note, mine.ctypes.data, 3)
        os._exit(0 if mine.tolist() == expected(3) else 1)
    assert os.waitpid(child, 0)[1] == 0
    entries[15] = 1
    slow.join(timeout=60)
    assert entries[:3].tolist() == [3, 3, 3]


@needs_fork
def test_a_child_ends_like_any_program():
    """Its end runs what was registered: there, it must not wait for its parent's workers."""
    text = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
run_native(note, entries.ctypes.data, 3)
child = os.fork()
if child == 0:
    signal.alarm(30)
    sys.exit(0)
print(os.waitpid(child, 0)[1])
"""
    assert program(text) == "0"


ENDS = {
    "asleep": "run_native(note, entries.ctypes.data, 3); time.sleep(0.1)",
    "spinning": "run_native(note, entries.ctypes.data, 3)",
    "never started": "run_native(note, entries.ctypes.data, 1)",
    "a daemon thread still trains": """
def train():
    while True:
        run_native(note, entries.ctypes.data, 2)
threading.Thread(target=train, daemon=True).start()
time.sleep(0.2)
""",
    "a daemon thread is in a piece of work without end": """
threading.Thread(target=run_native, args=(until, entries.ctypes.data, 2), daemon=True).start()
time.sleep(0.2)
""",
    "work at the very end": """
import atexit
atexit.register(lambda: run_native(note, entries.ctypes.data, 3))
run_native(note, entries.ctypes.data, 3)
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends(end):
    assert program(ENDS[end]) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process")
def test_ctrl_c_waits_for_all_and_leaves_the_team_in_order():
    text = """
run_native(note, entries.ctypes.data, 3)
entries[:] = 0
def interrupt():
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    entries[15] = 1
threading.Thread(target=interrupt).start()
try:
    run_native(until, entries.ctypes.data, 3)
    time.sleep(10)
except KeyboardInterrupt:
    print(entries[[0, 1, 2, 15]].tolist())
entries[:] = 0
run_native(note, entries.ctypes.data, 3)
print(entries[:4].tolist())
"""
    assert program(text).splitlines() == ["[3, 3, 3, 1]", "[3, 3, 3, 0]"]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process")
def test_ctrl_c_at_any_moment_leaves_the_team_in_order():
    text = """
ready, caught, wrong = False, 0, 0
def raise_if_ready(*_):
    global ready
    if ready:
        ready = False  # the test itself is not to be interrupted
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, raise_if_ready)
def interrupt():
    for _ in range(100):
        time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=interrupt)
thread.start()
while thread.is_alive():
    try:
        ready = True
        while thread.is_alive():
            entries[:] = 0
            run_native(note, entries.ctypes.data, 3)
            wrong += entries.tolist() != [3] * 3 + [0] * 13
    except KeyboardInterrupt:
        caught += 1
ready = False
print(caught > 0, wrong)
"""
    assert program(text) == "True 0"


@pytest.mark.parametrize("text", ["two", "0", "-1", "1.5", "99999", "²"])
def test_nonsense_in_the_setting_is_an_error(monkeypatch, text):
    monkeypatch.setenv("GRADIENTE_THREADS", text)
    message = rf"GRADIENTE_THREADS must be .* from 1 to 1024, got '{text}'; leave it empty to use"
    with pytest.raises(InvalidArgumentError, match=message):
        available_threads()


@pytest.mark.parametrize("threads", [0, -2, 2.0, "2", True])
def test_nonsense_as_an_argument_is_an_error(threads):
    with pytest.raises(InvalidArgumentError, match=r"threads must be .*, got .*; pass None to use"):
        thread_count(threads)


def test_an_argument_beats_the_setting_and_the_setting_the_cpus(monkeypatch):
    monkeypatch.delenv("GRADIENTE_THREADS", raising=False)
    assert available_threads() == thread_count(None) == processors() >= 1
    monkeypatch.setenv("GRADIENTE_THREADS", "5")
    assert available_threads() == thread_count(None) == 5
    assert thread_count(3) == thread_count(np.int64(3)) == 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_the_affinity_mask_bounds_the_threads():
    text = """
from gradiente.backends.native.threads.workers import processors
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(processors())
"""
    assert program(text) == "1"


def test_the_quota_bounds_the_threads(monkeypatch):
    files = {
        "/proc/self/cgroup": "0::/group/job",
        "/sys/fs/cgroup/group/job/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/group/cpu.max": "100000 100000\n",
    }
    monkeypatch.setattr(workers, "_read", lambda path: files.get(path, ""))
    assert processors() == 1


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("200000 100000\n", 2),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("max 100000\n", None),
        ("400000\n 100000\n", 4),
        ("-1\n 100000\n", None),
        ("", None),
        (" ", None),
        ("100000", None),
        ("100000 0", None),
    ],
)
def test_whole_cpus_of_a_quota(text, cpus):
    assert whole_cpus(text) == cpus


def test_where_quotas_of_the_second_version_stand():
    folders = [folder for folder, file in quota_files("0::/a/b\n") if file == "cpu.max"]
    assert folders == [
        "/sys/fs/cgroup/a/b",
        "/sys/fs/cgroup/unified/a/b",
        "/sys/fs/cgroup/a",
        "/sys/fs/cgroup/unified/a",
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/unified",
    ]


def test_where_quotas_of_the_first_version_stand():
    found = quota_files("5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n3:cpuset:/\n")
    assert [folder for folder, _ in found] == [
        "/sys/fs/cgroup/cpu/docker/1",
        "/sys/fs/cgroup/cpu,cpuacct/docker/1",
        "/sys/fs/cgroup/cpu/docker",
        "/sys/fs/cgroup/cpu,cpuacct/docker",
        "/sys/fs/cgroup/cpu",
        "/sys/fs/cgroup/cpu,cpuacct",
    ]
    assert {files for _, files in found} == {"cpu.cfs_quota_us cpu.cfs_period_us"}


@pytest.mark.parametrize("text", ["", "nonsense", "0::", "1:cpu", "\n\n"])
def test_odd_descriptions_of_groups_do_no_harm(text):
    for folder, _ in quota_files(text):
        assert folder.startswith("/sys/fs/cgroup") and not folder.endswith("/")


def test_paths_outside_a_container_are_not_followed():
    assert [folder for folder, _ in quota_files("0::/../job")] == [
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/unified",
    ]


def test_the_memory_of_a_team_has_aligned_places_for_the_most_threads():
    team = Team(compile_text(team_text(host().triple)))
    assert team.address % workers.LINE == 0
    begin, end = team.memory.ctypes.data, team.memory.ctypes.data + team.memory.nbytes
    assert begin <= team.address
    assert team.address + workers.MOST_THREADS * workers.PLACE <= end
