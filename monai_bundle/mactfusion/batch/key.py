"""What a result depends on, as one digest: what has the same need not be done again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion import __version__
from mactfusion.batch.plan import partner_count
from mactfusion.bundle import bundle_root
from mactfusion.io.checksum import sha256_of, sha256_of_files
from mactfusion.io.dicom.source import files_of, is_dicom_source
from mactfusion.networks.registry import DEFAULT_MODEL, find_model
from mactfusion.option_values import is_automatic
from mactfusion.weights import check_weights

if TYPE_CHECKING:
    from mactfusion.batch.plan import Study
    from mactfusion.options import Options


def key_of(study: Study, options: Options, pages: tuple[str, ...]) -> str:
    """Return a digest of volumes, options, weights and version.

    Args:
        study: its volumes are read. Of a DICOM source all files count, as the choice among its
            volumes depends on all.
        options: of this study.
        pages: what is written beside the fused volume.

    Raises:
        InputError: weights that cannot be used, or a ZIP that cannot be unpacked.
        OSError: a file cannot be read.
    """
    count = partner_count(study, options)
    sources = [study.anatomical, *study.partners]
    transforms = [
        None if is_automatic(file) else file for file in options.of_each(count)["transform"]
    ]
    chosen: dict[str, Any] = {
        "volumes": [_digest(source, study) for source in sources if source is not None],
        "options": {name: str(value) for name, value in options.recorded(count).items()},
        "transforms": [
            None if file is None else sha256_of_files([Path(file)]) for file in transforms
        ],
        "template": None
        if options.dicom_template is None
        else _digest(options.dicom_template, None),
        "weights": _weights(options),
        "pages": pages,
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode("utf-8")).hexdigest()


def _digest(source: Path, study: Study | None) -> str:
    if study is not None and study.files and source == study.anatomical:
        return sha256_of_files(study.files)
    if not is_dicom_source(source):
        return sha256_of(source)
    if source.is_file():
        return sha256_of_files([source])
    with files_of(source) as files:
        return sha256_of_files(files)


def _weights(options: Options) -> list[str]:
    """Return the digests of all weights that may run."""
    if options.weights is not None:
        return [check_weights(options.weights)]
    model = find_model(DEFAULT_MODEL if options.model == "auto" else options.model)
    folder = bundle_root() / "models"
    files = [folder / name for name in model.weight_files()]
    return [check_weights(file) for file in files if file.is_file()]
