"""Tables, arrays, images and sequences become batches."""

from gradiente.data.encode import Preprocessing
from gradiente.data.fit_table import fit_table
from gradiente.data.images import Images, read_images
from gradiente.data.stream import Stream, stream_npy, stream_parquet
from gradiente.data.stream_images import AugmentedImages
from gradiente.data.tables import read_table
from gradiente.data.windows import next_token_windows, series_windows

__all__ = [
    "AugmentedImages",
    "Images",
    "Preprocessing",
    "Stream",
    "fit_table",
    "next_token_windows",
    "read_images",
    "read_table",
    "series_windows",
    "stream_npy",
    "stream_parquet",
]
