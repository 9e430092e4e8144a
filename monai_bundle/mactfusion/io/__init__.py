"""Volumes in and out: NIfTI, NRRD, MetaImage, DICOM folders, pictures, objects in memory."""

from mactfusion.io.atomic import atomic_path
from mactfusion.io.coerce import as_volume
from mactfusion.io.dicom import same_patient_warning
from mactfusion.io.formats import INPUT_EXTENSIONS, OUTPUT_EXTENSIONS
from mactfusion.io.load import LoadVolumed
from mactfusion.io.read import read_volume
from mactfusion.io.save import CheckFormatd, SaveFusiond, Timestampd, sidecar_path
from mactfusion.io.write import check_output, write_volume

__all__ = [
    "INPUT_EXTENSIONS",
    "OUTPUT_EXTENSIONS",
    "CheckFormatd",
    "LoadVolumed",
    "SaveFusiond",
    "Timestampd",
    "as_volume",
    "atomic_path",
    "check_output",
    "read_volume",
    "same_patient_warning",
    "sidecar_path",
    "write_volume",
]
