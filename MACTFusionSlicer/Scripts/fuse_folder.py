"""Fuse many patients without a window: one folder for each, with the MR and its partners.

    Slicer --no-splash --no-main-window --python-script fuse_folder.py FOLDER OUTPUT --device cpu

FOLDER/NAME/MR.nrrd and FOLDER/NAME/PET.nii.gz become OUTPUT/NAME.nrrd. Slicer then ends, with 0 if
every folder was fused and 1 otherwise.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import slicer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from MACTFusionLib.folders import main

if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except SystemExit as end:  # of argparse
        code = 1 if end.code else 0
    except BaseException:  # Slicer would stay open, without a window
        traceback.print_exc()
        code = 1
    slicer.util.exit(code)
