"""Data become the arrays of the three parts."""

import numpy as np
import pytest
from PIL import Image

from gradiente.base.errors import DataError
from gradiente.cli.options import checked_options
from gradiente.cli.prepare import encode_known, known_data, open_like, prepare


def prepared(data, **options):
    return prepare(checked_options({"data": str(data), **options}))


def test_penguins_are_divided_and_encoded():
    data = prepared("penguins")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [220, 55, 69]
    assert data.train.x.shape == (220, 15)
    assert data.train.x.dtype == np.float32
    for part in (data.train, data.validation, data.test):
        counts = np.bincount(part.y, minlength=3)
        assert np.allclose(counts, len(part) * np.array([152, 68, 124]) / 344, atol=1.0)


def test_scaling_does_not_look_at_the_rows_kept_apart():
    train = prepared("diabetes").train
    assert np.allclose(train.x.mean(axis=0), 0.0, atol=1e-5)
    assert train.y.mean() == pytest.approx(0.0, abs=1e-5)
    assert train.y.std() == pytest.approx(1.0, abs=1e-5)


def test_rows_without_a_target_are_left_out_and_said_to_be(tmp_path):
    file = tmp_path / "t.csv"
    rows = "".join(f"{number},{number % 2}\n" for number in range(30))
    file.write_text(f"x,y\n{rows}5,\n6,NA\n")
    data = prepared(file, target="y")
    assert len(data.train) + len(data.validation) + len(data.test) == 30
    assert data.notes == ["2 rows are left out: y is missing there"]


def test_columns_not_used_are_said_to_be(tmp_path):
    file = tmp_path / "t.csv"
    rows = "".join(f"{number},person {number},{number % 2}\n" for number in range(30))
    file.write_text(f"x,name,y\n{rows}")
    assert prepared(file, target="y").notes[0].startswith("name is not used: it is free text")


def test_a_test_file_is_all_of_the_test(tmp_path):
    rows = "".join(
        f"{number}, {'ab'[number % 2]}, {['no', 'yes'][number % 2]}\n" for number in range(40)
    )
    (tmp_path / "train.data").write_text(rows)
    (tmp_path / "test.data").write_text(rows.replace("no\n", "no.\n").replace("yes\n", "yes.\n"))
    options = {"target": "-1", "test": str(tmp_path / "test.data")}
    data = prepared(tmp_path / "train.data", **options)
    assert len(data.test) == 40
    assert len(data.train) + len(data.validation) == 40
    assert data.test.y.tolist() == [0, 1] * 20


def test_words_that_look_like_numbers_in_another_file(tmp_path):
    rows = "".join(f"{code},{number % 2}\n" for number, code in enumerate(["01", "02", "x"] * 10))
    (tmp_path / "t.csv").write_text(f"code,y\n{rows}")
    data = prepared(tmp_path / "t.csv", target="y")
    (tmp_path / "new.csv").write_text("code,y\n01,0\n02,1\n")
    table = open_like(str(tmp_path / "new.csv"), data.preprocessing)
    assert table["code"].to_list() == ["01", "02"]
    known, left_out = known_data(data.preprocessing, table)
    assert encode_known(data.preprocessing, known).x.sum(axis=1).tolist() == [1.0, 1.0]
    assert left_out == 0


@pytest.fixture
def photos(tmp_path):
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(level - 50, level + 50, (6, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


def test_images_are_standardised(photos):
    data = prepared(photos)
    assert data.train.x.shape[1:] == (6, 5, 1)
    assert data.train.x.mean() == pytest.approx(0.0, abs=1e-4)
    assert data.preprocessing.target.classes == ("dark", "light")
    assert len(data.test) == 4


def test_other_images_must_have_known_classes(photos, tmp_path):
    preprocessing = prepared(photos).preprocessing
    (photos / "light").rename(photos / "bright")
    with pytest.raises(DataError, match="one folder for each of dark, light, found the folder bri"):
        encode_known(preprocessing, open_like(str(photos), preprocessing))


def test_images_have_no_columns(photos):
    with pytest.raises(DataError, match="images have no columns"):
        prepared(photos, target="y")


def test_a_folder_of_images_is_no_table(photos):
    with pytest.raises(DataError, match="was trained on a table"):
        open_like(str(photos), prepared("iris").preprocessing)


def test_one_class_of_images_cannot_be_learned(photos):
    for file in (photos / "light").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="two or more classes"):
        prepared(photos)
