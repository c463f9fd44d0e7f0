"""File formats other than JSON: reading and writing tables and archives."""

from typing import Final

from service.formats.base import DatasetArrays, DatasetFormat, SeriesColumns
from service.formats.csv import write_csv, write_dataset_csv
from service.formats.csv_series import (
    make_unique,
    read_dataset_csv,
    read_series_csv,
    write_series_csv,
)
from service.formats.npz import (
    read_npz,
    read_series_npz,
    write_dataset_npz,
    write_npz,
    write_series_npz,
)
from service.formats.series_rows import encode_name

__all__ = [
    "CSV",
    "DATASET_FORMATS",
    "NPZ",
    "DatasetArrays",
    "DatasetFormat",
    "SeriesColumns",
    "encode_name",
    "make_unique",
    "write_csv",
    "write_npz",
]

CSV: Final = DatasetFormat(
    "csv",
    "text/csv",
    read_dataset_csv,
    write_dataset_csv,
    read_series_csv,
    write_series_csv,
    800e-9,
)
NPZ: Final = DatasetFormat(
    "npz",
    "application/x-npz",
    read_npz,
    write_dataset_npz,
    read_series_npz,
    write_series_npz,
    500e-9,
    is_compressed=True,
)
DATASET_FORMATS: Final = {file_format.suffix: file_format for file_format in (CSV, NPZ)}
