"""DICOM in and out."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "export": "DicomExport",
        "series": "image_files read_dicom_folder same_patient_warning",
    },
)
