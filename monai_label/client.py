"""Ask a server for a fusion, with nothing but Python's standard library: an example to start from.

Example:
    ``python client.py http://127.0.0.1:8000 MR PET fused.nrrd`` fuses the images ``MR`` and ``PET``
    of the server's datastore.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

OWN = {"server", "image", "partner", "output", "model"}
"""What is no other field of a request."""


def fuse(
    server: str,
    image: str,
    partner: str | list[str],
    output: Path,
    model: str = "pixel_weights",
    **fields: Any,
) -> dict[str, Any]:
    """Fuse an image with its partners on a server, and write the result here.

    Args:
        server: address, such as ``http://127.0.0.1:8000``.
        image: id of the anatomical image.
        partner: id of its partner, or a list of several.
        output: a new file; its extension says the format.
        model: a network that ``/info/`` lists.
        fields: others of ``params``, such as ``task="pet-mri"`` or ``register="rigid"``.

    Returns:
        The record of the fusion.

    Raises:
        FileExistsError: there is such a file.
        ValueError: the server refuses; the text is its sentence. Or what answers is another server.
        OSError: the server does not answer, or the file cannot be written.
    """
    if output.exists():
        raise FileExistsError(f"{output} exists; give another name.")
    extension = ".nii.gz" if output.name.endswith(".nii.gz") else output.suffix
    params = {"partner": partner, "result_extension": extension, **fields}
    address = f"{server.rstrip('/')}/infer/{quote(model)}?{urlencode({'image': image})}"
    request = Request(address, urlencode({"params": json.dumps(params)}).encode())  # noqa: S310
    try:
        with urlopen(request) as answer:  # noqa: S310  the address is the user's own choice
            head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
            whole = message_from_bytes(head + answer.read())
    except HTTPError as error:
        raise ValueError(_sentence_of(error)) from error
    parts = [bytes(part.get_payload(decode=True)) for part in list(whole.walk())[1:]]
    if len(parts) != 2:
        raise ValueError(f"{server} does not answer as a MONAI Label server does.")
    record: dict[str, Any] = json.loads(parts[0])
    with output.open("xb") as file:
        file.write(parts[1])
    return record


def _sentence_of(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The server answers with the status {error.code}."


def main() -> int:
    """Fuse what the command line names; returns 2 where that was refused."""
    parser = ArgumentParser(description="Fuse images of a MONAI Label server.")
    parser.add_argument("server", help="such as http://127.0.0.1:8000")
    parser.add_argument("image", help="id of the anatomical image")
    parser.add_argument("partner", nargs="+", help="id of each partner")
    parser.add_argument("output", type=Path, help="a new file: .nrrd, .nii.gz, .mha or .dcm")
    parser.add_argument("--params", type=json.loads, default={}, help='as {"task": "pet-mri"}')
    given = parser.parse_args()
    partner = given.partner[0] if len(given.partner) == 1 else given.partner
    if not isinstance(given.params, dict) or OWN & given.params.keys():
        parser.error(f"--params is a JSON object, without {', '.join(sorted(OWN))}")
    try:
        record = fuse(given.server, given.image, partner, given.output, **given.params)
    except URLError as error:
        sys.stderr.write(f"{given.server} does not answer: {error.reason}\n")
        return 2
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sentences = [f"{given.output}: {record['task']}.", *record["notes"]]
    sys.stdout.write("\n".join(sentences) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
