"""The operator: the library's recipe, from a folder with a DICOM study to one with a series."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.deploy.core import ConditionType, Operator

from mactfusion.errors import InputError, unheard
from mactfusion.io.dicom.study import Studies
from mactfusion.pipeline import fuse_volumes
from mactfusion.words import worded
from settings import in_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.deploy.core import (
        ExecutionContext,
        Fragment,
        InputContext,
        OperatorSpec,
        OutputContext,
    )

SERIES = "fused"
"""Name of the series' folder in the output folder; its record is the file ``fused.json`` there."""

logger = logging.getLogger(__name__)


class FuseStudyOperator(Operator):
    """Fuse the volumes of one DICOM study and write the result as a series of that study.

    The SDK's operator for bundles hands over what ``network_data_format`` of a bundle's metadata
    names, here one image of two channels. This recipe begins earlier, with two or more volumes on
    grids of their own, and so has an operator of its own.

    Input port:
        study_folder: a path; optional, and before the ``study_folder`` of the constructor.

    Output port:
        series_folder: path of the folder that was written; optional.

    Args:
        fragment: the application.
        *args: conditions, see the SDK.
        study_folder: holds the study, in any arrangement of files; it is only read.
        output_folder: gets the folder and the record of :data:`SERIES`.
        options: of :func:`mactfusion.fuse_volumes`, without ``output`` and ``format``.
        **kwargs: see the SDK.
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        study_folder: Path,
        output_folder: Path,
        options: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        self._study_folder, self._output_folder = study_folder, output_folder
        self._options = options
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the ports."""
        spec.input("study_folder").condition(ConditionType.NONE)
        spec.output("series_folder").condition(ConditionType.NONE)

    def compute(
        self,
        op_input: InputContext,
        op_output: OutputContext,
        context: ExecutionContext,  # noqa: ARG002  the SDK's signature
    ) -> None:
        """Fuse.

        Raises:
            InputError: the study cannot be fused, or is of several patients; nothing was written.
        """
        study = Path(op_input.receive("study_folder") or self._study_folder)
        series = self._output_folder / SERIES
        check_one_patient(study)
        # The record says what is to be known of the result; it names no file, as no log should.
        with worded(in_settings), unheard():
            result = fuse_volumes(study, output=series, format="dicom", **self._options)
        for note in result.record["notes"]:
            logger.warning(note)
        op_output.emit(series, "series_folder")


def check_one_patient(study: Path) -> None:
    """Refuse a folder with images of several patients: nobody is there to read a warning.

    Raises:
        InputError: it has, or cannot be read.
    """
    with Studies() as studies:
        listing = studies.listing(study)
    patients = {image.patient_number for series in listing.series for image in series.images}
    if len(patients) > 1:
        raise InputError(f"{study} holds images of {len(patients)} patients; give a study of one.")
