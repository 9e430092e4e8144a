"""The application of MONAI Deploy: one operator between the folders that the SDK names."""

from __future__ import annotations

import os
from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application

from fuse_operator import FuseStudyOperator
from settings import read_options

SETTINGS = Path(__file__).with_name("app.yaml")
"""Of this folder; a packaged application has its copy where HOLOSCAN_CONFIG_PATH says."""


class FuseStudyApp(Application):
    """Fuse the DICOM study of the input folder into a DICOM series of the output folder.

    The folders are those of the SDK: the words ``-i`` and ``-o``, else the variables
    HOLOSCAN_INPUT_PATH and HOLOSCAN_OUTPUT_PATH, else ``input`` and ``output``.
    """

    def compose(self) -> None:
        """Put the operator in place; it runs once.

        Raises:
            InputError: the settings cannot be read, or hold an option that there is not.
        """
        context = Application.init_app_context(self.argv)
        settings = Path(os.environ.get("HOLOSCAN_CONFIG_PATH") or SETTINGS)
        self.add_operator(
            FuseStudyOperator(
                self,
                CountCondition(self, 1),
                name="fuse_study",
                study_folder=Path(context.input_path),
                output_folder=Path(context.output_path),
                options=read_options(settings),
            )
        )
