"""Volumes in and out: NIfTI, NRRD, MetaImage, DICOM folders, pictures, objects in memory."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "atomic": "atomic_path",
        "coerce": "as_volume",
        "dicom": "DicomExport same_patient_warning",
        "formats": "INPUT_EXTENSIONS OUTPUT_EXTENSIONS",
        "load": "LoadVolumesd",
        "names": "check_output sidecar_path",
        "read": "read_volume",
        "save": "CheckFormatd SaveFusiond",
        "timestamp": "Timestampd",
        "write": "write_volume",
    },
)
