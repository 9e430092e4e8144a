"""*From DICOM* and *Save as DICOM*: what the two buttons of the panel do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..nodes.from_dicom import open_database
from ..nodes.result import ATTRIBUTE, sources_of
from ..nodes.volumes import VolumeError
from ..panel.allow import allow
from ..views.shown import show_in_front
from ..worker.conversation import WorkerError
from .chooser import Chooser
from .database import how_to_open
from .files import tell_series
from .importing import Import
from .kept import SERIES
from .loading import load_all
from .request import request_for, strangers, why_not
from .save_dialog import SaveDialog
from .writing import SUFFIX, new_name, private_folder, remove_private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..logic import MACTFusionLogic
    from ..panel.last_folder import LastFolder
    from ..runs import Runs
    from .save_dialog import Wish


class DICOM:
    """Joins the two buttons to the DICOM database, the scene and the worker.

    Args:
        ui: widgets of the panel.
        logic: writes.
        runs: says how it goes.
        parameters: returns the choices of the scene, or None.
        fused: returns the fused node that would be saved, or None.
        folder: where something was saved last.
        resource: returns the path of a resource of the module.
        changed: called when something has begun or ended.

    Attributes:
        dialog: the window that is open, or was last.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        runs: Runs,
        parameters: Callable[[], Any],
        fused: Callable[[], slicer.vtkMRMLVolumeNode | None],
        folder: LastFolder,
        resource: Callable[[str], str],
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._runs = runs
        self._parameters = parameters
        self._fused = fused
        self._folder = folder
        self._resource = resource
        self._changed = changed
        self._import: Import | None = None
        self._private: Path | None = None
        self._is_loading = False
        self.dialog: Chooser | SaveDialog | None = None
        for button, act in ((ui.databaseButton, self._choose), (ui.exportButton, self._ask)):
            button.clicked.connect(act)
            button.setVisible(True)
        ui.cancelButton.clicked.connect(self._cancel_import)

    def show(self) -> None:
        """Enable what can be done, and say why the rest cannot."""
        reason = why_not(self._fused())
        running = _("A run is under way.") if self._logic.is_running else ""
        allow(self._ui.exportButton, reason or running)
        loading = _("Series are being loaded.") if self._is_loading else ""
        allow(self._ui.databaseButton, loading)

    def rest(self) -> None:
        """Close the window that is open: another module is shown. What is being written goes on."""
        self._close_dialog()

    def forget(self) -> None:
        """Close the window that is open, and drop what is being written: the scene is closed."""
        self._close_dialog()
        if self._import is None:  # what is written already may go on into the database
            self._drop_private()

    def stop(self) -> None:
        """Likewise, and let go of the database: the panel is closed."""
        self._cancel_import()
        self.forget()

    # ---- from the database

    def _choose(self, *_unused: object) -> None:
        database = open_database()
        if database is None:
            self._runs.say(how_to_open(), is_error=True)
            return
        self._close_dialog()
        self.dialog = Chooser(
            self._resource("UI/FromDICOM.ui"), database, self._ui.databaseButton, self._load
        )

    def _load(self, chosen: list) -> None:
        """Load series and choose their volumes; the anatomical one is shown."""
        database = open_database()
        if database is None:
            self._runs.say(how_to_open(), is_error=True)
            return
        self._is_loading = True
        self._runs.say(_("Loading {count} series…").format(count=len(chosen)))
        self._changed()
        slicer.app.processEvents()  # loading holds the window up
        try:
            nodes, notes = load_all(database, chosen)
        except VolumeError as error:
            self._runs.say(str(error), is_error=True)
        else:
            self._put(nodes)
            names = ", ".join(node.GetName() for node in nodes)
            said = [_("Loaded and chosen: {names}.").format(names=names), *notes]
            self._runs.say(" ".join(said))
        finally:
            self._is_loading = False
            self._changed()

    def _put(self, nodes: list) -> None:
        chosen = self._parameters()
        if chosen is None:  # the module was left meanwhile
            return
        roles = ("anatomical", "partner", "third", "fourth")
        for role in roles:  # none twice, whatever was there
            setattr(chosen, role, None)
        for role, node in zip(roles, nodes):  # noqa: B905  Python 3.9
            setattr(chosen, role, node)
        show_in_front(nodes[0])

    # ---- into the database

    def _ask(self, *_unused: object) -> None:
        fused = self._fused()
        reason = why_not(fused)
        if reason:
            self._runs.say(reason, is_error=True)
            return
        self._close_dialog()
        anatomical, _partners = sources_of(fused)
        owner = _("the anatomical volume") if anatomical is None else anatomical.GetName()
        self.dialog = SaveDialog(
            self._resource("UI/SaveAsDICOM.ui"),
            fused.GetName(),
            owner,
            open_database() is not None,
            self._ui.exportButton,
            self._folder,
            lambda wish: self.save(fused, wish),
        )

    def save(self, fused: slicer.vtkMRMLVolumeNode, wish: Wish) -> None:
        """Write a fused node as DICOM, and say what came of it.

        Args:
            fused: the node.
            wish: where to and how.
        """
        if self._logic.is_running:  # a script may ask at any time
            self._runs.say(_("A run is under way: save when it has ended."), is_error=True)
            return
        database = open_database()
        try:
            fields, notes = request_for(fused, database, wish.is_anonymous)
        except VolumeError as error:
            self._runs.say(str(error), is_error=True)
            return
        if not wish.is_anonymous and not _is_one_patient(fused, database):
            self._runs.say(_("Nothing was saved."))
            return
        private = self._private = private_folder() if wish.folder is None else None
        kind = fused.GetAttribute(ATTRIBUTE + "Kind") or ""
        stem = f"fused-{kind}" if kind else "fused"
        output = new_name(private or wish.folder, stem, SUFFIX if wish.is_object else "")

        def ended(told: dict | None, error: Exception | None) -> tuple:
            """Take over what was written; returns the sentence and the error."""
            try:
                if error is not None:
                    return "", error
                if private is None:
                    return _said(fused, told, str(output), notes), None
                return self._take_in(fused, told, output if output.is_dir() else private, notes)
            finally:
                self._drop_private()

        is_begun = self._runs.other(
            lambda end, news: self._logic.start_writing(fused, fields, output, end, news), ended
        )
        if not is_begun:
            self._drop_private()

    def _take_in(
        self, fused: slicer.vtkMRMLVolumeNode, told: dict, folder: Path, notes: list
    ) -> tuple:
        database = open_database()
        if database is None:
            return "", WorkerError("input", how_to_open())
        before = fused.GetAttribute(SERIES) or ""
        is_second = bool(before and database.filesForSeries(before, 1))
        self._import = Import(database, folder, told)
        self._logic.is_busy_elsewhere = True
        self._changed()
        try:
            self._import.run(self._runs.show_import)
        except WorkerError as error:
            return "", error
        finally:
            self._import = None
            self._logic.is_busy_elsewhere = False
        if slicer.mrmlScene.IsNodePresent(fused):
            fused.SetAttribute(SERIES, told["series"])
            tell_series(fused, told["series"], told["instances"])
        if is_second:
            notes = [*notes, _("It is one more series: the one that was saved before stays.")]
        return _said(fused, told, "", notes), None

    def _close_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.close()
            self.dialog = None

    def _drop_private(self) -> None:
        private, self._private = self._private, None
        if private is not None:
            remove_private_folder(private)

    def _cancel_import(self, *_unused: object) -> None:
        if self._import is not None:
            self._import.cancel()


def _is_one_patient(fused: slicer.vtkMRMLVolumeNode, database: Any) -> bool:
    """Ask where the database has sources under several patients.

    The question goes into Slicer's log, so it has no names.
    """
    if not strangers(fused, database):
        return True
    return bool(
        slicer.util.confirmYesNoDisplay(
            _(
                "In the DICOM database a partner belongs to another patient than the anatomical "
                "volume. The result would belong to the patient of the anatomical volume. Save it?"
            ),
            _("Save as DICOM"),
        )
    )


def _said(fused: slicer.vtkMRMLVolumeNode, told: dict, path: str, notes: list) -> str:
    """Say where the result is."""
    count = len(told["instances"])
    images = _("1 image") if count == 1 else _("{count} images").format(count=count)
    anatomical, _partners = sources_of(fused)
    if path:
        sentence = _("{name} is saved as DICOM ({images}): {path}.")
    elif anatomical is None:
        sentence = _("{name} is in the DICOM database ({images}), in the study of its sources.")
    else:
        sentence = _("{name} is in the DICOM database ({images}), in the study of {owner}.")
    owner = "" if anatomical is None else anatomical.GetName()
    filled = sentence.format(name=fused.GetName(), images=images, path=path, owner=owner)
    return " ".join([filled, *notes])
