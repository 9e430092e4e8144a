"""What a client may choose: images by their ids, and options that name no file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.option_table import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monailabel.interfaces.datastore import Datastore

DICOM = ".dcm"
"""One multi-frame object. The images of the datastore name no patient, and so neither does it."""

EXTENSIONS = (".nrrd", ".nii.gz", ".mha", ".dcm")

DEFAULTS: dict[str, Any] = {
    "partner": "",
    "result_extension": EXTENSIONS[0],
    **{name: option.default for name, option in OPTIONS.items() if option.is_remote},
}
"""Every field that a client may send beside the image, with its default; none names a file."""

_KINDS: dict[type, tuple[type, ...]] = {
    bool: (bool,),
    str: (str, list),
    int: (int, float),
    float: (int, float),
}
"""Of JSON's values those that an option of each kind takes."""


@dataclass(frozen=True)
class Choice:
    """A request that was understood.

    Attributes:
        anatomical: file of the image.
        partner: file of its partner, or a list of several.
        options: of ``mactfusion.fuse_volumes``.
        extension: of the result.
    """

    anatomical: Path
    partner: Path | list[Path]
    options: dict[str, Any]
    extension: str


def read_choice(image: Any, fields: Mapping[str, Any], datastore: Datastore) -> Choice:
    """Read a client's request; what is a file is looked up by its id and never by a path.

    Args:
        image: id of the anatomical image.
        fields: ``partner``, an id or a list of them, and others of :data:`DEFAULTS`.
        datastore: knows the ids.

    Raises:
        InputError: an unknown field or id, or an image twice.
    """
    if unknown := sorted(set(fields) - set(DEFAULTS)):
        raise InputError(
            f"The request has the unknown field '{unknown[0]}'; known are {', '.join(DEFAULTS)}."
        )
    chosen = {**DEFAULTS, **fields}
    partner, extension = chosen.pop("partner"), chosen.pop("result_extension")
    if partner in ("", []):
        raise InputError("Name the partner image by its id in the field 'partner'.")
    if extension not in EXTENSIONS:
        raise InputError(f"The field 'result_extension' must be one of {', '.join(EXTENSIONS)}.")
    for name, value in chosen.items():
        kind = OPTIONS[name].kind
        if isinstance(value, bool) != (kind is bool) or not isinstance(value, _KINDS[kind]):
            raise InputError(f"The field '{name}' has a wrong type; see /info/ for an example.")
    partners = partner if isinstance(partner, list) else [partner]
    files = [_file_of(each, datastore) for each in (image, *partners)]
    if len({file.resolve() for file in files}) < len(files):
        raise InputError("The same image is named twice; name different ones.")
    if extension == DICOM:
        chosen["anonymous"] = True
    return Choice(files[0], files[1:] if isinstance(partner, list) else files[1], chosen, extension)


def _file_of(name: Any, datastore: Datastore) -> Path:
    # A path of the server is refused like any other text that is no id.
    if not isinstance(name, str) or name not in datastore.list_images():
        raise InputError("An image of the request is not in the datastore; name it by its id.")
    return Path(datastore.get_image_uri(name))
