"""Encoding images."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradiente.base.errors import DataError, RunError
from gradiente.data.encode_images import ImagePreprocessing, fit_images
from gradiente.data.images import Images


def images(class_names=("cat", "dog")):
    x = np.random.default_rng(0).random((6, 4, 5, 3)).astype(np.float32)
    return Images(x, np.array([0, 1] * 3), class_names, tuple(map(Path, "abcdef")))


def test_pixels_are_standardised_by_the_training_images():
    preprocessing = fit_images(images(), np.array([0, 1, 2]))
    encoded = preprocessing.transform(images().x)
    assert encoded.dtype == np.float32
    assert encoded.shape == (6, 4, 5, 3)
    assert encoded[:3].mean() == pytest.approx(0.0, abs=1e-5)
    assert encoded[:3].std() == pytest.approx(1.0, abs=1e-5)
    assert preprocessing.example().shape == (1, 4, 5, 3)
    assert preprocessing.target.classes == ("cat", "dog")


def test_images_of_one_shade_stay_finite():
    plain = Images(np.zeros((2, 1, 1, 1), np.float32), np.array([0, 1]), ("a", "b"), ())
    assert np.isfinite(fit_images(plain, np.arange(2)).transform(plain.x)).all()


def test_one_class_cannot_be_learned():
    with pytest.raises(DataError, match="two or more classes"):
        fit_images(images(("cat",)), np.arange(6))


def test_it_survives_a_json_file():
    preprocessing = fit_images(images(), np.arange(6))
    written = json.loads(json.dumps(preprocessing.to_dict(), allow_nan=False))
    assert ImagePreprocessing.from_dict(written) == preprocessing


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"width": 2.5},
        {"channels": 2},
        {"scale": 0.0},
        {"mean": None},
        {"target": {"task": "regression", "name": "y", "mean": 0.0, "scale": 1.0}},
        {"target": None},
    ],
)
def test_damaged_preprocessing_is_refused(change):
    written = json.loads(json.dumps(fit_images(images(), np.arange(6)).to_dict()))
    with pytest.raises(RunError):
        ImagePreprocessing.from_dict(written | change)
