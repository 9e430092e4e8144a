"""Fuse the volumes of many folders, one after another, without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from .logic import MACTFusionLogic
from .nodes.guess import anatomical_kind_among, kind_of
from .nodes.volumes import MOST_PARTNERS, VolumeError
from .parameters import Grid, Register
from .worker.conversation import WorkerError

READABLE = (
    *(".nii", ".nii.gz", ".hdr", ".img", ".mgh", ".mgz"),
    *(".nrrd", ".nhdr", ".mha", ".mhd"),
)
"""Names of volumes end so, as in the library, which is not here before it is installed."""

_PARTNERS = ("CT", "PT", "NM", "color")


def main(arguments: list[str] | None = None) -> int:
    """Fuse folders as the command line says.

    Args:
        arguments: by default those of the process.

    Returns:
        0 if every folder was fused, 1 otherwise.
    """
    parser = argparse.ArgumentParser(
        prog="fuse_folder.py",
        description=_(
            "Fuse the MR of each folder with the CT, PET and SPECT beside it, or, without an MR, "
            "the CT with the PET and SPECT. File names must say what is what, such as MR.nrrd and "
            "PET.nii.gz."
        ),
    )
    where = _("where the network runs, such as cpu")
    named = _("the results go here, named after the folders")
    parser.add_argument("folder", type=Path, help=_("has one folder for each patient"))
    parser.add_argument("output", type=Path, help=named)
    parser.add_argument("--device", default="auto", help=where)
    cubes = _("voxels of the results: those of the MR or CT, or cubes of their finest spacing")
    grids = [grid.value for grid in Grid]
    parser.add_argument("--grid", choices=grids, default=Grid.ANATOMICAL.value, help=cubes)
    place = _("say whether the volumes lie in the same place, or put the others where the first is")
    registers = [register.value for register in Register]
    parser.add_argument("--register", choices=registers, default=Register.CHECK.value, help=place)
    unchecked = _("do not look whether structure of a source is lost")
    parser.add_argument("--no-check", dest="check", action="store_false", help=unchecked)
    parser.add_argument(
        "--overwrite", action="store_true", help=_("replace results that are there")
    )
    chosen = parser.parse_args(arguments)
    if not chosen.folder.is_dir():
        _say(_("{path} is no folder.").format(path=chosen.folder), sys.stderr)
        return 1
    folders = [path for path in _visible(chosen.folder) if path.is_dir()]
    folders = [path for path in folders if path.resolve() != chosen.output.resolve()]
    if not folders:
        _say(_("{path} has no folders of patients.").format(path=chosen.folder), sys.stderr)
        return 1
    chosen.output.mkdir(parents=True, exist_ok=True)
    passed_on = ("device", "grid", "register", "check")
    options = {name: getattr(chosen, name) for name in passed_on}
    logic = MACTFusionLogic()
    try:
        outcomes = [
            _fuse_and_say(logic, path, chosen.output, chosen.overwrite, options) for path in folders
        ]
    finally:
        logic.stop()
    return 0 if all(outcomes) else 1


def fuse_folder(logic: MACTFusionLogic, folder: Path, target: Path, options: dict) -> None:
    """Fuse the one MR, or CT, of a folder with the volumes beside it, by fixed windows and colours.

    Args:
        logic: fuses.
        folder: has one MR and one to three others, or one CT and as many PET and SPECT.
        target: file to write, see :func:`MACTFusionLib.nodes.save.save_volume`.
        options: of ``mactfusion.fuse_volumes``.

    Raises:
        VolumeError: a file cannot be read or written, or it is unclear what is what.
        WorkerError: the volumes cannot be fused.
    """
    before = _nodes()
    try:
        nodes = [_load(path) for path in _volumes(folder)]
        anatomical, partners = _roles(nodes)
        partner = partners if len(partners) > 1 else partners[0]

        def tell(news: dict) -> None:
            if news["reply"] == "warning":
                _say(f"{folder.name}: {news['sentence']}", sys.stderr)

        fused = logic.fuse(anatomical, partner, display="fixed", on_news=tell, **options)
        logic.save(fused, str(target))
    finally:
        for node in _nodes():
            if node not in before and slicer.mrmlScene.IsNodePresent(node):
                slicer.mrmlScene.RemoveNode(node)


def _visible(folder: Path) -> list:
    """Return what is in a folder, sorted; ``._MR.nrrd`` is what macOS leaves beside ``MR.nrrd``."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _volumes(folder: Path) -> list:
    """Return the files of a folder that are volumes; of a pair the header stands for both."""
    paths = [path for path in _visible(folder) if path.name.lower().endswith(READABLE)]
    headers = {path.stem for path in paths if path.suffix.lower() == ".hdr"}
    return [p for p in paths if p.suffix.lower() != ".img" or p.stem not in headers]


def _nodes() -> list:
    """Return the volumes of the scene and what displays them."""
    kinds = ("vtkMRMLVolumeNode", "vtkMRMLVolumeDisplayNode")
    return [node for kind in kinds for node in slicer.util.getNodesByClass(kind)]


def _fuse_and_say(
    logic: MACTFusionLogic, folder: Path, output: Path, is_overwriting: bool, options: dict
) -> bool:
    target = output / f"{folder.name}.nrrd"
    if target.exists() and not is_overwriting:
        _say(_("{path} is there already; --overwrite replaces it.").format(path=target), sys.stderr)
        return False
    try:
        fuse_folder(logic, folder, target, options)
    except (VolumeError, WorkerError) as error:
        _say(f"{folder.name}: {error}", sys.stderr)
        return False
    _say(_("{path} is ready.").format(path=target), sys.stdout)
    return True


def _roles(nodes: list) -> tuple:
    """Return the MR, or the CT where there is none, and the list of its partners.

    Raises:
        VolumeError: there is not one of them, or a volume that is nothing known.
    """
    kinds = [(node, kind_of(node)) for node in nodes]
    first = anatomical_kind_among([kind for _node, kind in kinds])
    anatomical = [node for node, kind in kinds if kind == first]
    partners = [node for node, kind in kinds if kind in _PARTNERS and kind != first]
    unknown = [node.GetName() for node, kind in kinds if kind == ""]
    if unknown:
        raise VolumeError(
            _("what {names} is cannot be told: put MR, CT, PET or SPECT into the name.").format(
                names=", ".join(unknown)
            )
        )
    if len(anatomical) != 1 or not 1 <= len(partners) <= MOST_PARTNERS:
        raise VolumeError(
            _("one {kind} with one to three others is needed; found {count} and {others}.").format(
                kind=first, count=len(anatomical), others=len(partners)
            )
        )
    return anatomical[0], partners


def _load(path: Path) -> slicer.vtkMRMLScalarVolumeNode:
    if path.suffix.lower() == ".hdr" and not _is_nifti(path):
        raise VolumeError(
            _(
                "{path} is an Analyze image, which does not say where left and right are; convert "
                "it again from the original to NIfTI."
            ).format(path=path.name)
        )
    name = path.name
    for suffix in sorted(READABLE, key=len, reverse=True):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"):
        node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        if path.suffix.lower() in (".nrrd", ".nhdr"):
            storage = slicer.vtkMRMLNRRDStorageNode()
        storage.SetCenterImage(False)
        storage.SetFileName(str(path.absolute()))
        is_grey = kind == "vtkMRMLScalarVolumeNode"
        if storage.ReadData(node) and (_components_of(node) == 1) == is_grey:
            node.CreateDefaultDisplayNodes()
            return node
        slicer.mrmlScene.RemoveNode(node)
    raise VolumeError(_("{path} cannot be read.").format(path=path.name))


def _is_nifti(header: Path) -> bool:
    """Tell the header of a NIfTI pair from that of an Analyze image, which Slicer reads as well."""
    start = header.read_bytes()[:348]
    return start[344:347] in (b"ni1", b"n+1") or start[4:7] in (b"ni2", b"n+2")


def _components_of(node: slicer.vtkMRMLVolumeNode) -> int:
    image = node.GetImageData()
    return 0 if image is None else image.GetNumberOfScalarComponents()


def _say(sentence: str, stream: object) -> None:
    print(sentence, file=stream, flush=True)
