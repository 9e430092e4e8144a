"""DICOM in and out."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "choose": "SeveralVolumesError",
        "export": "DicomExport",
        "patient": "same_patient_warning",
        "study": "Studies",
    },
)
