"""Small pairs and fused pictures, of which each shows where it comes from."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image, PngImagePlugin

WIDTH, HEIGHT = 20, 16
METHODS = ("averaged", "maximum", "<i>dark & [red]")
"""The last name is what no page and no terminal may take for markup."""
CASES = {"CT-MRI": ("1 Doe^John <b>", "2", "3"), "PET-MRI": ("4",)}
PATIENT = "Doe^John"
LEVELS = {method: 60 + 40 * place for place, method in enumerate(METHODS)}


def picture(level, number):
    """A ramp with one pixel of its own level, and of its own number."""
    pixels = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    pixels[0, 0], pixels[0, 1] = level, number
    return pixels


def save(path, pixels):
    """Write a PNG that names a patient in its text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = PngImagePlugin.PngInfo()
    text.add_text("PatientName", PATIENT)
    Image.fromarray(pixels).save(path, pnginfo=text)


def make_folders(folder):
    """Fill ``pairs`` and a folder for each method; the last method has nothing of PET-MRI."""
    number = 0
    for task, names in CASES.items():
        for name in names:
            number += 1
            for kind, level in zip(task.split("-"), (250, 255), strict=True):
                save(folder / "pairs" / task / kind / f"{name}.png", picture(level, number))
            for method in METHODS if task == "CT-MRI" else METHODS[:-1]:
                fused = picture(LEVELS[method], number)
                save(folder / method / task / f"{name}.png", fused)
    return folder


def decoded(address):
    """The file that an address in the page holds."""
    head, _, text = address.partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(text)


def pixels_of(address):
    return np.asarray(Image.open(io.BytesIO(decoded(address))))


def answers_of(key, reader, wanted, **others):
    """What the page would write of a reader who chooses ``wanted[number]`` in each case."""
    cases = [
        {
            "case": case["case"],
            "order": sorted(case["images"]),
            "answers": {
                "best": next(
                    code
                    for code, method in case["images"].items()
                    if method == wanted[case["number"]]
                ),
                "useful": 1 + case["number"],
            },
            "milliseconds": 1000 * case["number"],
        }
        for case in key["cases"]
    ]
    known = {"study": key["study"], "version": key["version"], "seed": key["seed"]}
    return {**known, "reader": reader, "cases": cases, **others}
