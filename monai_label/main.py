"""MONAI Label app that fuses images of the server's datastore, named by their ids."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from monailabel.app import app as server
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag

from lib.choice import read_choice
from lib.fusion import Fusion
from lib.routes import only_serve
from mactfusion import __version__
from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.networks.registry import MODELS


class MACTFusionLabel(MONAILabelApp):
    """Serves each network whose weights came with the library; nothing is trained or labelled.

    Args:
        app_dir: folder of this file.
        studies: folder of the images, which are read only.
        conf: not used.

    Raises:
        InputError: ``studies`` is not a folder.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        if not Path(studies).is_dir():
            raise InputError("This app serves a local folder: give one with --studies.")
        # File names may name patients; MONAI Label logs them below this level.
        logging.getLogger("monailabel").setLevel(logging.ERROR)
        self._one_at_a_time = threading.Lock()
        super().__init__(
            app_dir,
            studies,
            conf,
            name="MACTFusion",
            description="Fuses MR with CT, PET or SPECT of one patient, or CT with PET or SPECT",
            version=__version__,
        )
        only_serve(server, self)

    def init_infers(self) -> dict[str, Fusion]:
        """Return a task for each network that can run without a weight file of the user's."""
        folder = bundle_root() / "models"
        return {
            name: Fusion(name, model.status)
            for name, model in MODELS.items()
            if all((folder / file).is_file() for file in model.weight_files())
        }

    def init_strategies(self) -> dict[str, Any]:
        """Return nothing: there is nothing to learn actively."""
        return {}

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Fuse an image of the datastore with one or several others, one request at a time.

        Args:
            request: ``model``, ``image`` (an id), and the fields of
                :func:`~lib.choice.read_choice`.
            datastore: by default the server's.

        Returns:
            ``file``, the fused volume in a private folder of its own, which the caller removes;
            ``label``, the same; ``params``, its record.

        Raises:
            InputError: the request, or what it asks for, cannot be.
        """
        fields = dict(request)
        task = self._infers.get(fields.pop("model", ""))
        if task is None:
            raise InputError(f"There is no such model; choose {' or '.join(self._infers)}.")
        choice = read_choice(fields.pop("image", ""), fields, datastore or self.datastore())
        with self._one_at_a_time:
            file, record = task({"choice": choice})
        return {"label": file, "tag": DefaultLabelTag.ORIGINAL, "file": file, "params": record}
