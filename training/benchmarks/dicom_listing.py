"""Time to list a tree of DICOM files, beside that of reading their headers with pydicom alone.

    python -m training.benchmarks.dicom_listing [--files 5000] [--repeats 3] [--page FILE]

The tree holds ten CT series of 512x512 with sixty private elements each. Both readings take turns
in one process, after one that nobody times, so that both find the files in memory.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pydicom
import typer
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rich.console import Console

from mactfusion.io.dicom.study import Studies
from training.marked_page import Markers, write_between_markers

MARKERS = Markers("<!-- dicom listing begins -->", "<!-- dicom listing ends -->")
EDGE, SERIES, PRIVATE = 512, 10, 60


def write_tree(folder: Path, files: int) -> None:
    """Write the headers; the pixels are a hole in the file, which takes no room."""
    for number in range(SERIES):
        dataset = _header()
        for place in range(files // SERIES):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.ImagePositionPatient = [-128.0, -128.0, float(place)]
            dataset.InstanceNumber = place + 1
            path = folder / f"S{number}" / f"{place:05d}.dcm"
            path.parent.mkdir(exist_ok=True)
            dataset.PixelData = b"\0\0"
            dataset["PixelData"].VR = "OW"
            dataset.save_as(path, enforce_file_format=True)
            start = path.stat().st_size - len(dataset.PixelData)
            with path.open("r+b") as file:
                file.seek(start - 4)
                file.write((EDGE * EDGE * 2).to_bytes(4, "little"))
                file.truncate(start + EDGE * EDGE * 2)


def _header() -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.Modality = CTImageStorage, "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", generate_uid()
    dataset.SeriesDescription, dataset.SeriesNumber = "head", 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Rows = dataset.Columns = EDGE
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.5], 1.0
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    block = dataset.private_block(0x0019, "BENCHMARK", create=True)
    for element in range(PRIVATE):
        block.add_new(element, "LO", "some twenty characters")
    return dataset


def list_tree(folder: Path) -> None:
    """List it as ``mactfusion info`` does."""
    with Studies() as studies:
        found = len(studies.listing(folder).volumes)
    if found != SERIES:
        raise RuntimeError(f"{found} volumes were found, not {SERIES}.")


def read_headers(folder: Path) -> None:
    """Read every header whole, and do nothing with it."""
    for path in sorted(folder.rglob("*.dcm")):
        pydicom.dcmread(path, stop_before_pixels=True)


def main(
    files: Annotated[int, typer.Option(help="In the tree.")] = 5000,
    repeats: Annotated[int, typer.Option(help="Of each.")] = 3,
    page: Annotated[Path | None, typer.Option(help="Write the table into this page.")] = None,
) -> None:
    """Measure and print a table."""
    seconds: dict[str, list[float]] = {"headers with pydicom alone": [], "`mactfusion info`": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(folder, files)
        read_headers(folder)
        for _ in range(repeats):
            for what, work in zip(seconds, (read_headers, list_tree), strict=True):
                started = time.perf_counter()
                work(folder)
                seconds[what].append(time.perf_counter() - started)
    base = statistics.median(seconds["headers with pydicom alone"])
    lines = [f"| {files} files of {EDGE}×{EDGE} | seconds | ratio |", "| --- | ---: | ---: |"]
    for what, taken in seconds.items():
        median = statistics.median(taken)
        lines.append(f"| {what} | {median:.1f} | {median / base:.2f} |")
    table = "\n".join(lines)
    Console().print(table, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, table)


if __name__ == "__main__":
    typer.run(main)
