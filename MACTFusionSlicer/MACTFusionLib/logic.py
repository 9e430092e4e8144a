"""Fusion of nodes, without a window: from the Python console, from a script, or from the panel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from . import steps
from .dicom.request import request_for
from .dicom.writing import steps_of_writing
from .nodes.display import options_as_shown
from .nodes.from_dicom import open_database
from .nodes.grid import ANATOMICAL
from .nodes.guess import task_of
from .nodes.made_of import forget_edits
from .nodes.obstacles import reason_not_to_run, tasks_for
from .nodes.volumes import partners_in
from .parameters import MACTFusionParameters, chosen_options, chosen_partner
from .worker.conversation import Conversation, WorkerError
from .worker.environment import remove_log
from .worker.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

_GLANCE_S = 0.02


class MACTFusionLogic(ScriptedLoadableModuleLogic):
    """Fuses volume nodes with a worker process of its own.

    Example:
        >>> logic = slicer.util.getModuleLogic("MACTFusion")  # doctest: +SKIP
        >>> fused = logic.fuse(slicer.util.getNode("MR"), slicer.util.getNode("PET"))
        >>> logic.save(fused, "fused.nrrd")

    Attributes:
        session: with the worker.
        is_busy_elsewhere: a run goes on without the worker, in the DICOM database.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.moduleName = "MACTFusion"
        self.session = Session()
        self._run: Conversation | None = None
        self.is_busy_elsewhere = False

    def getParameterNode(self) -> MACTFusionParameters:  # noqa: N802  Slicer
        """Return the choices of the scene."""
        return MACTFusionParameters(super().getParameterNode())

    @property
    def is_running(self) -> bool:
        """Whether a volume is being fused or written, or a partner registered."""
        return self.is_busy_elsewhere or (self._run is not None and not self._run.is_over)

    def fuse(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        output: slicer.vtkMRMLVolumeNode | None = None,
        display: str = "as-shown",
        on_news: Callable[[dict], None] | None = None,
        **options: Any,
    ) -> slicer.vtkMRMLVolumeNode:
        """Fuse volumes and wait for the result; the window stays alive meanwhile.

        Args:
            anatomical: volume node, the MR or CT.
            partner: volume node: CT, PET, SPECT, second MR or GFP; or a list of up to three.
            output: volume node to overwrite; a new one by default.
            display: ``as-shown`` (windows and colours of the display nodes) or ``fixed``.
            on_news: called with each ``progress`` and ``warning``.
            options: of ``mactfusion.fuse_volumes``.

        Returns:
            The fused node.

        Raises:
            WorkerError: it cannot be fused; the text says why.
        """
        nodes = anatomical, partner, output
        merged = self.options_for(anatomical, partner, display, options)
        return self._outcome_of(lambda end: self.start_fusion(*nodes, merged, end, on_news))

    def start_fusion(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        output: slicer.vtkMRMLVolumeNode | None,
        options: dict,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[dict], None] | None = None,
    ) -> None:
        """Begin to fuse volumes; :meth:`pump` brings news and the end.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of up to three.
            output: volume node to overwrite, or None.
            options: see :meth:`options_for`.
            on_end: called with the fused node and None, or with None and the error.
            on_news: called with each ``progress`` and ``warning``.

        Raises:
            WorkerError: something is missing, or a run is under way.
        """
        self._refuse_a_second_run()
        task, grid = options.get("task", "auto"), options.get("grid", ANATOMICAL)
        register = options.get("register", "check")
        reason = reason_not_to_run(anatomical, partner, output, task, grid, register)
        if reason:
            raise WorkerError("input", reason)
        asked = steps.fusion(self.session, anatomical, partner, output, options)
        self._run = self.session.converse(asked, on_end, on_news)

    def start_preview(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        options: dict,
        axis: int,
        index: int,
        on_end: Callable[[Any, Exception | None], None],
    ) -> Conversation:
        """Begin to fuse one slice.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of up to three.
            options: see :meth:`options_for`.
            axis: the axis of the anatomical voxels that ``options["axis"]`` means.
            index: of the slice, in the grid of the result.
            on_end: called with ``(voxels, geometry, legends)`` and None, or with None and the
                error.
        """
        asked = steps.preview(self.session, anatomical, partner, options, axis, index)
        return self.session.converse(asked, on_end)

    def start_check(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        options: dict,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[dict], None] | None = None,
    ) -> Conversation:
        """Begin to look where partners lie; with some options they are registered by the worker.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of up to three.
            options: see :meth:`options_for`.
            on_end: called with what the worker says of each partner and None, or with None and the
                error.
            on_news: called with each ``progress`` and ``warning``.
        """
        asked = steps.check(self.session, anatomical, partner, options)
        return self.session.converse(asked, on_end, on_news)

    def start_probe(
        self, position: list, on_end: Callable[[Any, Exception | None], None]
    ) -> Conversation:
        """Begin to ask what is known of a voxel of the last fusion or preview.

        Args:
            position: RAS millimetres of a point.
            on_end: called with what the worker says of its voxel, None outside of the volume, and
                None; or with None and the error.
        """
        return self.session.converse(steps.probe(position), on_end)

    def start_registration(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        options: dict,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[dict], None] | None = None,
    ) -> None:
        """Begin to put partners in place, each by a new transform node; no voxel is changed.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of up to three.
            options: see :meth:`options_for`; ``register`` says which are moved.
            on_end: called with the new transform nodes and None, or with None and the error.
            on_news: called with each ``progress`` and ``warning``.

        Raises:
            WorkerError: a run is under way, or the worker cannot be started.
        """
        self._refuse_a_second_run()
        asked = steps.registration(self.session, anatomical, partner, options)
        self._run = self.session.converse(asked, on_end, on_news)

    def start_writing(
        self,
        fused: slicer.vtkMRMLVolumeNode,
        fields: dict,
        output: Path,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[dict], None] | None = None,
    ) -> None:
        """Begin to write a fused volume as DICOM.

        Args:
            fused: volume node.
            fields: see :func:`MACTFusionLib.dicom.request.request_for`.
            output: a new folder for a series, or a name that ends in ``.dcm`` for one object.
            on_end: called with what the worker says of the files and None, or with None and the
                error.
            on_news: called with each ``progress`` and ``warning``.

        Raises:
            WorkerError: a run is under way, or the worker cannot be started.
        """
        self._refuse_a_second_run()
        steps = steps_of_writing(self.session, fused, fields, output)
        self._run = self.session.converse(steps, on_end, on_news)

    def write_dicom(
        self,
        fused: slicer.vtkMRMLVolumeNode,
        path: str,
        is_anonymous: bool = False,
        on_news: Callable[[dict], None] | None = None,
    ) -> dict:
        """Write a fused volume as DICOM and wait for it.

        Args:
            fused: volume node that was fused here, from volumes of the open DICOM database.
            path: a new folder for a series, or a name that ends in ``.dcm`` for one object.
            is_anonymous: nothing of the patient goes into it; the sources may be no DICOM then.
            on_news: called with each ``progress`` and ``warning``.

        Returns:
            ``files``, ``study``, ``series`` and ``instances`` of what was written.

        Raises:
            VolumeError: the node does not tell whose it is, or how it was fused.
            WorkerError: it cannot be written; the text says why.
        """
        fields, _notes = request_for(fused, open_database(), is_anonymous)
        return self._outcome_of(
            lambda end: self.start_writing(fused, fields, Path(path), end, on_news)
        )

    def cancel(self) -> None:
        """Cancel the run; its end is told as an error with the code ``cancelled``."""
        if self._run is not None:
            self._run.cancel()

    def options_for(
        self,
        anatomical: slicer.vtkMRMLVolumeNode,
        partner: object,
        display: str,
        options: dict,
    ) -> dict:
        """Complete options by what the views show and by what names say.

        Args:
            anatomical: volume node.
            partner: volume node, or a list of up to three.
            display: ``as-shown`` or ``fixed``.
            options: what the user chose.
        """
        shown = options_as_shown(anatomical, partner) if display == "as-shown" else {}
        merged = {**shown, **options}
        partners = partners_in(partner)
        tasks = [
            task_of(anatomical, node) if task == "auto" else task
            for node, task in zip(partners, tasks_for(merged.get("task", "auto"), len(partners)))  # noqa: B905  Python 3.9
        ]
        merged["task"] = tasks if isinstance(partner, (list, tuple)) else tasks[0]
        return merged

    def options_of(self, parameters: MACTFusionParameters) -> dict:
        """Return the options of the choices in the panel."""
        nodes = parameters.anatomical, chosen_partner(parameters)
        return self.options_for(*nodes, parameters.display.value, chosen_options(parameters))

    def pump(self) -> None:
        """Hand out what the worker has said; a timer of the panel calls it."""
        self.session.pump()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Pump until something is so."""
        application = getattr(slicer, "app", None)
        while not condition():
            self.pump()
            if application is not None:
                application.processEvents()
            time.sleep(_GLANCE_S)

    def close_scene(self) -> None:
        """Let go of the nodes of a scene that is closed; a run ends without a result."""
        if self._run is not None:
            self._run.abandon()
        self.session.forget_volumes()
        forget_edits()

    def stop(self) -> None:
        """End the worker and everything that it left."""
        if self._run is not None:
            self._run.abandon()
        self.session.stop()
        remove_log()

    def save(self, node: slicer.vtkMRMLVolumeNode, path: str) -> None:
        """Write a fused volume; see :func:`MACTFusionLib.nodes.save.save_volume`."""
        from .nodes.save import save_volume

        save_volume(node, path)

    def _refuse_a_second_run(self) -> None:
        if self.is_running:
            raise WorkerError("busy", _("A fusion is under way; wait for it, or cancel it."))

    def _outcome_of(self, begin: Callable[[Callable[[Any, Exception | None], None]], None]) -> Any:
        """Begin something, and wait for what it ends with.

        Raises:
            WorkerError: the error that it ends with, whatever that is.
        """
        ended: list = []
        begin(lambda outcome, error: ended.append((outcome, error)))
        self.wait(lambda: bool(ended))
        outcome, error = ended[0]
        if error is not None:
            raise error
        return outcome
