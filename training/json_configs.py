"""Write the configurations that MONAI looks for as JSON beside the YAML that they are made from.

python -m training.json_configs

``monai.bundle.load`` reads ``configs/train.json`` alone. What both files say is the same, without
the comments; a test holds them to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monai.bundle import ConfigParser

from mactfusion.bundle import bundle_root
from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("train", "inference", "evaluate")


def as_json(file: Path) -> str:
    """Return what a YAML file says as JSON text."""
    return json.dumps(ConfigParser.load_config_file(str(file)), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write each file anew."""
    configs = bundle_root() / "configs"
    for name in NAMES:
        with atomic_path(configs / f"{name}.json") as unfinished:
            unfinished.write_text(as_json(configs / f"{name}.yaml"), encoding="utf-8")


if __name__ == "__main__":
    main()
