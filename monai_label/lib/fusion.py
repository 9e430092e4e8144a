"""The inference task of MONAI Label: the library's recipe, run on two or more files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from lib.choice import DEFAULTS
from mactfusion import fuse_volumes
from mactfusion.errors import InputError, unheard
from mactfusion.worker.folder import make_private_folder, remove_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lib.choice import Choice


class Fusion(InferTask):
    """One network as a model of the server.

    Args:
        model: name of the network.
        description: a sentence on what it is.
    """

    def __init__(self, model: str, description: str) -> None:
        super().__init__(
            type=InferType.OTHERS,
            labels=None,
            dimension=3,
            description=description,
            config=DEFAULTS,
        )
        self._model = model

    def is_valid(self) -> bool:
        """Tell whether it can run: only models whose weights are here are made."""
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Fuse.

        Args:
            request: ``choice``, a :class:`~lib.choice.Choice`.

        Returns:
            The file, alone with its record in a private folder, which the caller removes; the
            record.

        Raises:
            InputError: the images cannot be fused; the sentence names no folder of the server.
        """
        choice: Choice = request["choice"]
        private = make_private_folder()
        output = private / f"fused{choice.extension}"
        try:
            with unheard():  # the record says it, and names of files belong in no log
                result = fuse_volumes(
                    choice.anatomical,
                    choice.partner,
                    output=output,
                    model=self._model,
                    **choice.options,
                )
        except InputError as error:
            remove_folder(private)
            partners = choice.partner if isinstance(choice.partner, list) else [choice.partner]
            folders = (private, *(path.parent for path in (choice.anatomical, *partners)))
            raise InputError(_without(folders, str(error))) from None
        except BaseException:
            remove_folder(private)
            raise
        return str(output), result.record


def _without(folders: tuple[Path, ...], sentence: str) -> str:
    """Take the folders of the server out of a sentence."""
    for folder in folders:
        sentence = sentence.replace(f"{folder}{os.sep}", "").replace(str(folder), "the server")
    return sentence
