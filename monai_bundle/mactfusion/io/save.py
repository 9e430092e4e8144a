"""Last step of the recipe: the fused volume, and beside it a record of how it was made."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.errors import InputError, inform, note
from mactfusion.io.atomic import atomic_path, made_folder
from mactfusion.io.checksum import sha256_of_set
from mactfusion.io.dicom import DicomExport
from mactfusion.io.names import (
    beside,
    check_outputs,
    lost_map_path,
    provenance_path,
    sidecar_path,
    transform_path,
)
from mactfusion.io.reasons import reason_of
from mactfusion.io.write import stored_type, write_bytes, write_volume
from mactfusion.registration.linear import poses_of_moved, write_transform
from mactfusion.transforms.slices import RestoreOrientationd
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mactfusion.record import Record


class CheckFormatd(Transform):
    """Refuse a format that cannot hold the result before the network's long work begins.

    Args:
        output: the file to write; None for nothing.
        dtype: stored type.
        luminance_only: the result will be grey.
        export: the DICOM output that was chosen, if any.
    """

    def __init__(
        self,
        output: str | Path | None,
        dtype: str = "auto",
        luminance_only: bool = False,
        export: DicomExport | None = None,
    ) -> None:
        self.output = output
        self.dtype = dtype
        self.luminance_only = luminance_only
        self.export = export or DicomExport()

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check ``is_color`` and ``grid_shape`` against the name and the type; say what is lost.

        Raises:
            InputError: colour in a type for scalars, several slices in a picture, ...
        """
        result = dict(data)
        if self.export.is_chosen:
            self.export.check_case(data, self.luminance_only)
            if sentence := self.export.sentence_of_grid(data):
                note(result, sentence)
            for sentence in self.export.sentences_of_moved(data):
                inform(sentence)
        elif self.output is not None:
            is_colour = bool(data["is_color"]) and not self.luminance_only
            stored_type(self.output, self.dtype, is_colour, data["grid_shape"].tolist())
        return result


class SaveFusiond(Transform):
    """Write ``pred`` and its record; without an output name write nothing.

    ``record`` is added to the data either way; of what was written it has the SHA-256 under
    ``result``. The transform of each partner that was moved lies beside them, see
    :func:`mactfusion.io.names.transform_path`, and so do ``shares`` where they were found, see
    :func:`mactfusion.io.names.provenance_path`.

    Args:
        record: writes the record, and knows the output and what it must not overwrite.
        dtype: stored type.
        lost_map: also write ``lost`` of the data, see :func:`mactfusion.io.names.lost_map_path`.
        overwrite: replace a file of that name.
        export: the DICOM output that was chosen, if any.
    """

    def __init__(
        self,
        record: Record,
        dtype: str = "auto",
        lost_map: bool = False,
        overwrite: bool = False,
        export: DicomExport | None = None,
    ) -> None:
        self.export = export or DicomExport()
        inputs = {f"{role} volume": source for role, source in record.sources.items()}
        inputs |= record.transforms
        check_outputs(record.output, overwrite, inputs, self.export.format)
        self.record = record
        self.dtype = dtype
        self.lost_map = lost_map
        self.overwrite = overwrite

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write the result.

        Raises:
            InputError: it cannot be written; then no file is left.
        """
        record = self.record.of(data)
        if self.record.output is not None:
            self._write(data, record, self.record.output)
        return {**data, "record": record}

    def _write(self, data: Mapping[str, Any], record: dict[str, Any], output: Path) -> None:
        sidecar = sidecar_path(output)
        poses = poses_of_moved(data["partners"])
        transforms = {transform_path(output, role): pose for role, pose in poses.items()}
        maps = {}
        if "shares" in data:
            maps[provenance_path(output)] = ("shares", "share of each source", 1.0)
        if self.lost_map:
            maps[lost_map_path(output)] = ("lost", "what was lost", 255.0)
        new = [*transforms, *maps]
        try:
            with (
                made_folder(output.parent),
                _all_or_none([output, *new]),
                atomic_path(sidecar) as temporary,
                ExitStack() as stack,
            ):

                def complete(files: list[Path]) -> None:
                    record["result"] = {"sha256": sha256_of_set(files)}
                    _write_record(temporary, record)

                _write_record(temporary, record)  # first of all, so that its place is sure
                for path, pose in transforms.items():
                    write_transform(pose, stack.enter_context(atomic_path(path)))
                for path, (key, what, full_scale) in maps.items():
                    write_bytes(
                        restored_bytes(data, data[key]),
                        data["pred"].affine.cpu().numpy(),
                        stack.enter_context(atomic_path(path)),
                        description=what,
                        full_scale=full_scale,
                    )
                if self.export.is_chosen:
                    self.export.write(data, record, self.overwrite, complete)
                else:
                    write_volume(
                        data["pred"],
                        output,
                        dtype=self.dtype,
                        description=f"MACTFusion {data['task']}",
                        when_written=complete,
                    )
            for paths in beside(output).values():
                for path in paths:
                    if path not in new:  # of the result that was replaced
                        path.unlink()
        except OSError as error:
            raise InputError(
                f"What belongs beside {output} cannot be written: {reason_of(error)}."
            ) from error


def _write_record(path: Path, record: Mapping[str, Any]) -> None:
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    # A file name that is no UTF-8 keeps its bytes in JSON's own notation.
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def restored_bytes(data: Mapping[str, Any], voxels: torch.Tensor) -> torch.Tensor:
    """Turn uint8 ``(C, slices, rows, columns)`` of a case to its grid, ``(C, I, J, K)``."""
    volume = with_voxels(data["image"], voxels)
    turned = RestoreOrientationd(["volume"])({**data, "volume": volume})["volume"]
    return plain(turned).to(torch.uint8)


@contextmanager
def _all_or_none(outputs: Sequence[Path]) -> Iterator[None]:
    """Remove new outputs whose record did not come into being, Ctrl-C included."""
    new = [path for path in outputs if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        raise
