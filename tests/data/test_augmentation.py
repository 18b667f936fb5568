"""Changes of images, against the same by SciPy and by plain indexing."""

import numpy as np
import pytest
from scipy import ndimage

from gradiente.data.augmentation import cropped, flipped, mixed, rotated, turned

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(200, 6, 5, 2)).astype(np.float32)


def generator(seed=0):
    return np.random.default_rng(seed)


def test_about_half_are_flipped_and_nothing_else():
    got = flipped(X, generator())
    same = (got == X).all(axis=(1, 2, 3))
    mirrored = (got == X[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 70 < mirrored.sum() < 130


def test_crops_are_pieces_of_the_padded_image_and_all_places_come():
    got, places = cropped(X, generator(), 2), set()
    padded = np.pad(X, ((0, 0), (2, 2), (2, 2), (0, 0)))
    for image, around in zip(got, padded, strict=True):
        fits = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if np.array_equal(around[row : row + 6, column : column + 5], image)
        ]
        assert len(fits) == 1
        places.update(fits)
    assert len(places) == 25
    assert got.dtype == np.float32 and got.flags.c_contiguous


@pytest.mark.parametrize("degrees", [0.0, 10.0, -33.0, 90.0, 180.0])
@pytest.mark.parametrize("shape", [(6, 6), (7, 4)])
def test_turning_is_that_of_scipy(degrees, shape):
    x = RANDOM.normal(size=(3, *shape, 2))
    got = turned(x, np.full(3, np.deg2rad(degrees)))
    angle, middle = np.deg2rad(degrees), (np.array(shape) - 1) / 2
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for image, expected in zip(got, x, strict=True):
        for channel in range(2):
            moved = ndimage.affine_transform(
                np.pad(expected[..., channel], 1),
                matrix,
                middle + 1 - matrix @ (middle + 1),
                order=1,
            )
            inner = moved[1:-1, 1:-1]
            np.testing.assert_allclose(image[..., channel], inner, atol=1e-9)


def test_a_quarter_turn_is_counterclockwise():
    x = RANDOM.normal(size=(4, 5, 5, 1))
    np.testing.assert_allclose(
        turned(x, np.full(4, np.pi / 2)), np.rot90(x, axes=(1, 2)), atol=1e-12
    )


def test_angles_lie_within_the_bound():
    x = np.zeros((500, 21, 21, 1), np.float32)
    x[:, 10, 20] = 1.0  # at three o'clock
    got = rotated(x, generator(), 30.0)
    assert got.dtype == np.float32
    rows, columns = np.indices((21, 21))
    weight = got[..., 0].sum(axis=(1, 2))
    row = (got[..., 0] * rows).sum(axis=(1, 2)) / weight - 10
    column = (got[..., 0] * columns).sum(axis=(1, 2)) / weight - 10
    angle = np.rad2deg(np.arctan2(-row, column))
    assert np.abs(angle).max() < 32
    assert angle.min() < -25 and angle.max() > 25


def test_mixtures_of_pairs_and_of_their_targets_have_the_same_shares():
    y = np.eye(200)
    x, mixture = mixed(X, y, generator(), 0.4)
    np.testing.assert_allclose(mixture.sum(axis=1), 1.0)
    np.testing.assert_allclose(x, np.tensordot(mixture, X, 1), atol=1e-5)
    share = np.diag(mixture)
    other = share < 1
    assert abs(share.mean() - 0.5) < 0.1
    assert np.std(share[other]) > 0.3  # 0.37 for Beta(0.4, 0.4)
    assert x.dtype == np.float32
