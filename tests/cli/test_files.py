"""Files and folders that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from gradiente.cli.files import whole_file, whole_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_the_end(tmp_path):
    with whole_file(tmp_path / "out.csv") as temporary:
        temporary.write_text("new")
        assert "out.csv" not in names(tmp_path)
    assert (tmp_path / "out.csv").read_text() == "new"
    assert names(tmp_path) == ["out.csv"]


def test_an_error_leaves_the_old_file(tmp_path):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "out.csv") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "out.csv").read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_a_folder_appears_at_the_end_with_those_above_it(tmp_path):
    path = tmp_path / "a" / "b" / "run"
    with whole_folder(path) as temporary:
        (temporary / "x").write_text("1")
        assert not path.parent.exists()
    assert (path / "x").read_text() == "1"
    assert names(tmp_path) == ["a"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "run"
    for content in ("old", "new"):
        with whole_folder(path) as temporary:
            (temporary / content).write_text(content)
    assert names(path) == ["new"]
    assert names(tmp_path) == ["run"]


def test_an_error_leaves_the_old_folder(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    (path / "old").write_text("")
    with pytest.raises(ValueError, match="stop"), whole_folder(path) as temporary:
        (temporary / "new").write_text("")
        raise ValueError("stop")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["run"]


def test_the_old_folder_is_put_back_when_the_new_one_cannot_be(tmp_path, monkeypatch):
    path = tmp_path / "run"
    path.mkdir()
    (path / "old").write_text("")
    rename = os.replace

    def failing(source, goal):
        if (Path(source) / "new").exists():
            raise PermissionError(13, "not now")
        rename(source, goal)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(PermissionError), whole_folder(path) as temporary:
        (temporary / "new").write_text("")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["run"]


def test_an_error_leaves_no_folders_above(tmp_path):
    with pytest.raises(ValueError, match="stop"), whole_folder(tmp_path / "a" / "b" / "run"):
        raise ValueError("stop")
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), whole_folder(tmp_path / "file" / "run"):
        pass
    with pytest.raises(OSError), whole_file(tmp_path / "nowhere" / "out.csv"):
        pass


def test_permissions_are_the_usual_ones(tmp_path):
    (tmp_path / "usual").write_text("")
    with whole_file(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode
