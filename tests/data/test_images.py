"""Reading folders of images."""

import numpy as np
import pytest
from PIL import Image

from gradiente.base.errors import DataError
from gradiente.data import AugmentedImages
from gradiente.data import images as images_module
from gradiente.data.images import is_image_folder, read_images


def save(file, pixels, mode=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).convert(mode).save(file)


def grey(value, height=3, width=4):
    return np.full((height, width), value, np.uint8)


def test_folders_are_classes_and_pixels_go_from_zero_to_one(tmp_path):
    save(tmp_path / "dog" / "1.png", grey(255))
    save(tmp_path / "cat" / "1.png", grey(0))
    save(tmp_path / "cat" / "2.png", grey(51))
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    images = read_images(tmp_path)
    assert images.class_names == ("cat", "dog")
    assert images.x.dtype == np.float32
    assert images.x.shape == (3, 3, 4, 1)
    assert images.y.tolist() == [0, 0, 1]
    assert np.allclose(images.x.max(axis=(1, 2, 3)), [0.0, 0.2, 1.0])


def test_one_colour_image_makes_all_of_them_colour(tmp_path):
    save(tmp_path / "a" / "1.png", grey(255))
    save(tmp_path / "b" / "1.png", np.zeros((3, 4, 3), np.uint8))
    assert read_images(tmp_path).x.shape == (2, 3, 4, 3)
    assert read_images(tmp_path, channels=1).x.shape == (2, 3, 4, 1)


def test_sizes_become_the_most_frequent_or_the_given_one(tmp_path):
    save(tmp_path / "a" / "1.png", grey(1, 5, 6))
    save(tmp_path / "a" / "2.png", grey(1, 5, 6))
    save(tmp_path / "b" / "1.png", grey(1, 9, 9))
    assert read_images(tmp_path).x.shape == (3, 5, 6, 1)
    assert read_images(tmp_path, size=(2, 3)).x.shape == (3, 2, 3, 1)


def test_sixteen_bit_greys_keep_their_shades(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((2, 2), 32896, np.uint16)).save(tmp_path / "a" / "1.png")
    images = read_images(tmp_path)
    assert images.x.shape == (1, 2, 2, 1)
    assert np.allclose(images.x, 0.5, atol=0.01)


def test_a_folder_of_images_without_classes_has_no_labels(tmp_path):
    save(tmp_path / "1.png", grey(1))
    images = read_images(tmp_path)
    assert images.class_names == ()
    assert images.y.tolist() == [-1]


def test_a_damaged_image_is_named(tmp_path):
    save(tmp_path / "a" / "1.png", np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8))
    file = tmp_path / "a" / "2.png"
    file.write_bytes((tmp_path / "a" / "1.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"2\.png cannot be read as an image"):
        read_images(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert not is_image_folder(tmp_path)
    with pytest.raises(DataError, match="holds no images"):
        read_images(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        read_images(tmp_path / "nowhere")


def test_an_image_folder_is_recognised(tmp_path):
    save(tmp_path / "a" / "1.png", grey(1))
    assert is_image_folder(tmp_path)
    assert is_image_folder(tmp_path / "a")
    assert not is_image_folder(tmp_path / "a" / "1.png")


def test_images_that_are_not_in_memory_are_read_when_they_are_asked_for(tmp_path, monkeypatch):
    for number in range(6):
        save(tmp_path / "ab"[number % 2] / f"{number}.png", grey(10 * number))
    whole = read_images(tmp_path)
    read = []
    load = images_module._open
    monkeypatch.setattr(images_module, "_open", lambda file: read.append(file) or load(file))
    images = read_images(tmp_path, in_memory=False)
    assert read == []
    assert images.x.shape == whole.x.shape and len(images.x) == 6
    np.testing.assert_array_equal(images.x[np.array([4, 1])], whole.x[[4, 1]])
    assert read == [images.files[4], images.files[1]]
    np.testing.assert_array_equal(images.x[2], whole.x[2])
    np.testing.assert_array_equal(images.x[:0], whole.x[:0])
    with pytest.raises(IndexError):
        images.x[6]
    stream = AugmentedImages(images.x, images.y, rows=2)
    read.clear()
    x, y = next(stream.chunks(0, 1, shuffle=False))
    assert len(read) == 2
    np.testing.assert_array_equal(x, whole.x[:2])
    np.testing.assert_array_equal(y, whole.y[:2])
    every = np.concatenate([*stream.inputs()])
    np.testing.assert_array_equal(every, whole.x)
