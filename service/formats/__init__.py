"""Every file format besides JSON: tables and archives, read and written."""

from typing import Final

from service.formats.base import DatasetArrays, DatasetFormat
from service.formats.csv import read_csv, write_csv, write_dataset_csv
from service.formats.npz import read_npz, write_dataset_npz, write_npz

__all__ = [
    "CSV",
    "DATASET_FORMATS",
    "NPZ",
    "DatasetArrays",
    "DatasetFormat",
    "detect_format",
    "write_csv",
    "write_npz",
]

CSV: Final = DatasetFormat(
    "csv",
    "text/csv",
    read_csv,
    write_dataset_csv,
    800e-9,
    # Windows has the last one for files with the suffix csv.
    other_media_types=("text/plain", "application/csv", "application/vnd.ms-excel"),
)
NPZ: Final = DatasetFormat("npz", "application/x-npz", read_npz, write_dataset_npz, 500e-9)
DATASET_FORMATS: Final = {file_format.suffix: file_format for file_format in (CSV, NPZ)}
ZIP_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the first bytes of an archive, or an empty one


def detect_format(contents: bytes) -> DatasetFormat:
    """Return the format of a file that may be of any."""
    return NPZ if contents.startswith(ZIP_MARKS) else CSV
