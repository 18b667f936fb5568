"""What the argument DATA stands for."""

import polars
import pytest
from PIL import Image

from gradiente.base.errors import DataError
from gradiente.cli.source import default_target, is_built_in, open_data, short_name
from gradiente.data.images import Images


def test_names_files_and_folders(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / "photos" / "cat" / "1.png")
    assert isinstance(open_data("iris"), polars.DataFrame)
    assert open_data(str(tmp_path / "t.csv")).shape == (2, 2)
    assert isinstance(open_data(str(tmp_path / "photos")), Images)


def test_a_name_that_is_nearly_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=r"no built-in data set of this name: did you mean penguins"
    ):
        open_data("pinguins")
    with pytest.raises(DataError, match=r"there is no file .*t\.csv"):
        open_data("t.csv")


def test_names_for_what_comes_of_it():
    assert short_name("data/houses.csv") == "houses"
    assert short_name("photos/") == "photos"
    assert short_name("iris") == "iris"
    assert default_target("iris") == "species"
    assert default_target("houses.csv") is None
    assert is_built_in("wine") and not is_built_in("wine.csv")
