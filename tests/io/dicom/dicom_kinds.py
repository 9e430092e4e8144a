"""What hospitals have, one small example of each kind: made, read, and told in a sentence."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from dicom_made import (
    Made,
    classic,
    enhanced,
    frame_groups,
    header,
    item,
    made,
    nuclear,
    put_pixels,
    save,
    shared_groups,
)
from pydicom.dataset import FileMetaDataset
from pydicom.fileset import FileSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Kind = Callable[[Path], Any]

KINDS: dict[str, Kind] = {}
"""By what it is called: writes into a folder, and returns options of the reading, if any."""


def kind(name: str) -> Callable[[Kind], Kind]:
    def keep(write: Kind) -> Kind:
        KINDS[name] = write
        return write

    return keep


@kind("CT or MR, one file a slice, any file names")
def _classic(folder: Path) -> None:
    classic(folder, made(20), "MR")


@kind("NM RECON TOMO in one file, the next slice on the side that the sign says")
def _nuclear(folder: Path) -> None:
    nuclear(folder / "t.dcm", made(20).values, made(20, step_mm=-4.4))


@kind("NM RECON TOMO, one frame a file")
def _nuclear_files(folder: Path) -> None:
    volume = made(20)
    for index, plane in enumerate(volume.values):
        here = Made(plane[None], first_mm=volume.position(index))
        nuclear(folder / f"{index}.dcm", plane[None], here, SeriesInstanceUID="1.2.7")


@kind("NM RECON TOMO without SpacingBetweenSlices")
def _nuclear_unsigned(folder: Path) -> None:
    nuclear(folder / "t.dcm", made(20).values, made(20), SpacingBetweenSlices=None)


@kind("NM projections (TOMO)")
def _projections(folder: Path) -> None:
    tags = {"ImageType": ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]}
    nuclear(folder / "t.dcm", made(20).values, made(20), **tags)


@kind("NM gated tomography")
def _gated(folder: Path) -> None:
    nuclear(
        folder / "g.dcm",
        made(16).values,
        made(16),
        ImageType=["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"],
        SliceVector=[1, 2, 3, 4] * 4,
        TimeSlotVector=[*[1] * 4, *[2] * 4, *[3] * 4, *[4] * 4],
    )


@kind("enhanced MR, CT or PET: one file, stacks taken in turns")
def _enhanced(folder: Path) -> None:
    volume = made(18)
    order = [k for start in (2, 0, 1) for k in range(start, 18, 3)]
    groups = [frame_groups(volume, k, StackID=str(k % 3 + 1)) for k in order]
    enhanced(folder / "e.dcm", volume.values[order], shared_groups(volume), groups)


@kind("enhanced MR: one frame a file")
def _enhanced_files(folder: Path) -> None:
    volume = made(18)
    for k, plane in enumerate(volume.values):
        groups = [frame_groups(volume, k)]
        path = folder / f"{k}.dcm"
        enhanced(path, plane[None], shared_groups(volume), groups, SeriesInstanceUID="1.2.8")


@kind("Siemens mosaic without the scanner's private header")
def _mosaic(folder: Path) -> None:
    image_type = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    classic(folder, made(1, 24, 24), "MR", ImageType=image_type)


@kind("old files without preamble and transfer syntax")
def _no_preamble(folder: Path) -> None:
    classic(folder, made(20), "MR")
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.file_meta, dataset.preamble = FileMetaDataset(), None
        pydicom.dcmwrite(
            path, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False
        )


@kind("files of 0 bytes, and cut ones, at the end of a series")
def _empty(folder: Path) -> None:
    classic(folder, made(20), "MR")
    for number in range(15, 20):
        path = folder / f"{number:03d}.dcm"
        path.write_bytes(b"" if number < 18 else path.read_bytes()[:100])


@kind("pixels that end early")
def _cut(folder: Path) -> None:
    classic(folder, made(20), "MR")
    path = folder / "004.dcm"
    path.write_bytes(path.read_bytes()[:-8])


@kind("PixelPaddingValue far below what was measured")
def _padding(folder: Path) -> None:
    volume = made(20)
    volume.values[:, :2] = -32768

    def change(index: int, dataset: Any) -> None:
        dataset.add_new("PixelPaddingValue", "SS", -32768)

    classic(folder, volume, "MR", change=change)


@kind("an orientation written with three decimals")
def _rounded(folder: Path) -> None:
    cosine, sine = np.cos(0.2), np.sin(0.2)
    volume = made(150, orientation=(cosine, sine, 0, 0, 0, -1), step_mm=0.9)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageOrientationPatient = [f"{part:.3f}" for part in volume.orientation]
        dataset.ImagePositionPatient = [f"{mm:.3f}" for mm in volume.position(index)]

    classic(folder, volume, "MR", change=change)


@kind("a CD: DICOMDIR, MR and CT")
def _disc(folder: Path) -> None:
    disc = FileSet()
    for number, modality in enumerate(("MR", "CT")):
        source = classic(folder.parent / f"{folder.name} in" / modality, made(10), modality)
        for path in sorted(source.iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.SeriesNumber = number + 1
            disc.add(dataset)
    disc.write(folder)


@kind("a localizer in a CT series")
def _localizer(folder: Path) -> None:
    classic(folder, made(20), SeriesInstanceUID="1.2")
    across = made(1, 9, 5, orientation=(0, 1, 0, 0, 0, -1))
    kind_of = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    classic(folder, across, SeriesInstanceUID="1.2", name="s{}.dcm", ImageType=kind_of)


def _dynamic(folder: Path) -> None:
    for number in range(6):
        tags = {"FrameReferenceTime": 1000.0 * number, "ActualFrameDuration": 1000 * (number + 1)}
        name = f"{number}_{{}}.dcm"
        volume = made(20, seed=number)
        classic(folder, volume, "PT", name=name, SeriesInstanceUID="1", Units="SUV", **tags)


@kind("dynamic PET")
def _dynamic_whole(folder: Path) -> None:
    _dynamic(folder)


@kind("dynamic PET with `--frame mean`")
def _dynamic_mean(folder: Path) -> dict[str, str]:
    _dynamic(folder)
    return {"frame": "mean", "units": "native"}


@kind("echoes, b-values or Dixon images in one series")
def _echoes(folder: Path) -> None:
    for time in (10, 90):
        tags = {"EchoTime": time, "SeriesInstanceUID": "1.2"}
        classic(folder, made(20, seed=time), "MR", name=f"{time}_{{}}.dcm", **tags)


@kind("head CT with a tilted gantry")
def _tilt(folder: Path) -> None:
    cosine, sine = np.cos(np.radians(18)), np.sin(np.radians(18))
    volume = made(20, 40, 40, orientation=(1, 0, 0, 0, cosine, -sine))

    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = [-20.0, -30.0, 4.5 * index]

    classic(folder, volume, change=change)


@kind("head CT with slices of 2.5 and of 5 mm")
def _two_spacings(folder: Path) -> None:
    depths = [*np.arange(0, 25, 2.5), *np.arange(25, 80, 5.0)]

    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = [-20.0, -30.0, float(depths[index])]
        dataset.SliceThickness = 2.5 if index < 10 else 5

    classic(folder, made(len(depths)), change=change)


@kind("a series with a missing slice")
def _hole(folder: Path) -> None:
    classic(folder, made(20), keep=[k for k in range(20) if k != 7])


@kind("every other slice of a stretch missing")
def _thinned(folder: Path) -> None:
    classic(folder, made(20), keep=[*range(8), *range(9, 20, 2)])


@kind("positions in whole millimetres, slices 1.25 mm apart")
def _whole_millimetres(folder: Path) -> None:
    volume = made(20, step_mm=1.25)

    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = [round(mm) for mm in volume.position(index)]

    classic(folder, volume, change=change)


@kind("a MIP behind the last slice")
def _projection(folder: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        if index == 20:
            dataset.ImageType = ["DERIVED", "SECONDARY", "MIP"]

    classic(folder, made(21), "MR", change=change)


@kind("two acquisitions that overlap by half a slice")
def _overlap(folder: Path) -> None:
    for number in (1, 2):
        volume = made(20, seed=number, first_mm=(-20.0, -30.0, 55.5 * number))
        tags = {"AcquisitionNumber": number, "SeriesInstanceUID": "1.2"}
        classic(folder, volume, name=f"{number}_{{}}.dcm", **tags)


@kind("RTDOSE")
def _dose(folder: Path) -> None:
    dataset = header("RTDOSE", DoseGridScaling="0.0001", DoseUnits="GY")
    volume = made(20)
    put_pixels(dataset, volume.values * 1000, "<u4")
    dataset.NumberOfFrames = 20
    dataset.ImagePositionPatient = list(volume.first_mm)
    dataset.ImageOrientationPatient = list(volume.orientation)
    dataset.PixelSpacing = list(volume.spacing_mm)
    dataset.GridFrameOffsetVector = [3.0 * k for k in range(20)]
    save(dataset, folder / "d.dcm")


@kind("a SEG, a report and a text beside a CT")
def _beside(folder: Path) -> None:
    classic(folder, made(20))
    segmentation = header("SEG", "CT")
    segmentation.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    segmentation.file_meta.MediaStorageSOPClassUID = segmentation.SOPClassUID
    put_pixels(segmentation, made(20).values > 100, "u1")
    segmentation.NumberOfFrames = 20
    save(segmentation, folder / "seg.dcm")
    report = header("SR", "CT")
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    save(report, folder / "report.dcm")
    (folder / "README.txt").write_text("notes")


@kind("MONOCHROME1 in PET")
def _inverse_pet(folder: Path) -> dict[str, str]:
    def change(index: int, dataset: Any) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"

    classic(folder, made(20), "PT", change=change)
    return {"units": "native"}


@kind("MONOCHROME1 in MR")
def _inverse_mr(folder: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"

    classic(folder, made(20), "MR", change=change)


@kind("two acquisitions interleaved under one UID")
def _interleaved(folder: Path) -> None:
    for number in (1, 2):
        volume = made(20, step_mm=4.5, seed=number, first_mm=(-20, -30, 2.25 * number))
        tags = {"AcquisitionNumber": number, "SeriesInstanceUID": "1.2"}
        classic(folder, volume, "MR", name=f"{number}_{{}}.dcm", **tags)


@kind("copies of slices")
def _copies(folder: Path) -> None:
    classic(folder, made(20), "MR")
    for number in range(3, 8):
        shutil.copy(folder / f"{number:03d}.dcm", folder / f"{number:03d} (1).dcm")


@kind("a UID of its own for each slice")
def _own_uids(folder: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.SeriesInstanceUID = f"1.2.3.{index + 1}"

    classic(folder, made(20), "MR", change=change)


def _positron(
    folder: Path, injected: str = "091500", half_life_s: str = "6586.2", **tags: Any
) -> None:
    drug = item(
        RadionuclideTotalDose="350000000",
        RadionuclideHalfLife=half_life_s,
        RadiopharmaceuticalStartTime=injected,
    )

    def change(index: int, dataset: Any) -> None:
        dataset.PatientWeight, dataset.DecayCorrection = "70", "START"
        dataset.RadiopharmaceuticalInformationSequence = [drug]
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)

    classic(folder, made(20), "PT", change=change)


@kind("PET in Bq/ml with dose, half-life, times and weight")
def _suv(folder: Path) -> None:
    _positron(folder)


@kind("PET in Bq/ml without the patient's weight")
def _no_weight(folder: Path) -> None:
    _positron(folder, PatientWeight=None)


@kind("PET in Bq/ml without the patient's weight, `--units suv`")
def _no_weight_refused(folder: Path) -> dict[str, str]:
    _positron(folder, PatientWeight=None)
    return {"units": "suv"}


@kind("PET whose injection is noted seconds after its start, as in dynamic scans")
def _injected_within(folder: Path) -> None:
    _positron(folder, "101510")


@kind("PET whose injection does not fit its scan")
def _injected_late(folder: Path) -> None:
    _positron(folder, "113000")


@kind("PET whose half-life is in minutes")
def _half_life(folder: Path) -> None:
    _positron(folder, half_life_s="109.77")


@kind("PET whose weight is in grams")
def _weight(folder: Path) -> None:
    _positron(folder, PatientWeight="70000")


@kind("a slope of 0 in a slice that has values")
def _no_slope(folder: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope = "0" if index == 3 else "0.25"

    classic(folder, made(20), "CT", change=change)


@kind("values that may have a sign or none: no PixelRepresentation")
def _no_sign(folder: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        del dataset.PixelRepresentation

    volume = made(20)
    volume.values -= 100
    classic(folder, volume, "MR", change=change)


@kind("bits beyond BitsStored that are no overlay")
def _bits(folder: Path) -> None:
    classic(folder, made(20), "MR", dtype="<u2", BitsStored=8, HighBit=7)


@kind("screenshots in colour")
def _colour(folder: Path) -> None:
    dataset = header("CT")
    put_pixels(dataset, np.ones((4, 15), int), "u1")
    dataset.Columns, dataset.SamplesPerPixel = 5, 3
    dataset.PhotometricInterpretation = "RGB"
    save(dataset, folder / "a.dcm")


@kind("images without a place (X-ray, ultrasound)")
def _no_place(folder: Path) -> None:
    classic(folder, made(1), "CT", ImagePositionPatient=None)
