"""A file is the old one or the new one, whichever operation of the disk fails."""

import os
import stat

import pytest

from gradiente.base import files
from gradiente.base.files import replace_file, sync
from tests.base.faults import Crash, Disk

OLD, NEW = b"old" * 1000, b"new" * 3000


def operations(tmp_path, monkeypatch):
    """How many operations a file of several pieces takes."""
    monkeypatch.setattr(files, "PIECE", 2500)
    (tmp_path / "file").write_bytes(OLD)
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        replace_file(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW
    (tmp_path / "file").write_bytes(OLD)
    return disk.done


def test_the_order_of_what_is_done(tmp_path, monkeypatch):
    done = []
    for name in ("write", "fsync", "replace"):
        operation = getattr(os, name)

        def noted(*args, name=name, operation=operation):
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            done.append("fsync folder" if is_folder else name)
            return operation(*args)

        monkeypatch.setattr(os, name, noted)
    replace_file(tmp_path / "file", NEW)
    assert done == ["write", "fsync", "replace", "fsync folder"]


@pytest.mark.parametrize("short", [False, True], ids=["whole", "short writes"])
def test_every_operation_may_fail(short, tmp_path, monkeypatch):
    """An error comes out each time; the old file is there unless it had been renamed already."""
    count = operations(tmp_path, monkeypatch)
    assert count >= 4 + 3  # pieces, fsync, chmod, replace, fsync of the folder
    renamed = 0
    for n in range(1, count + 1):
        (tmp_path / "file").write_bytes(OLD)
        with monkeypatch.context() as patch:
            Disk(patch, fails=n, short=short)
            with pytest.raises(OSError, match="Input/output error"):
                replace_file(tmp_path / "file", NEW)
        found = (tmp_path / "file").read_bytes()
        assert found in (OLD, NEW)
        renamed += found == NEW
        assert os.listdir(tmp_path) == ["file"]
    assert renamed <= 1  # only where the folder could not be flushed


def test_the_machine_may_stop_at_every_operation(tmp_path, monkeypatch):
    count = operations(tmp_path, monkeypatch)
    for n in range(1, count + 1):
        (tmp_path / "file").write_bytes(OLD)
        with monkeypatch.context() as patch:
            Disk(patch, fails=n, error=Crash())
            with pytest.raises(Crash):
                replace_file(tmp_path / "file", NEW)
        assert (tmp_path / "file").read_bytes() in (OLD, NEW)


def test_short_writes_are_continued(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        Disk(patch, short=True)
        replace_file(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW


def test_the_file_has_ordinary_permissions(tmp_path):
    replace_file(tmp_path / "file", b"content")
    (tmp_path / "ordinary").write_bytes(b"")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "ordinary")}
    assert len(modes) == 1


def test_what_is_not_there_cannot_be_synced(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "none")
