"""The demo: a synthetic head in four modalities, fused, drawn and checked."""

from mactfusion.demo.landmarks import MisplacedLandmarkError
from mactfusion.demo.run import run_demo
from mactfusion.demo.volumes import demo_volumes

__all__ = ["MisplacedLandmarkError", "demo_volumes", "run_demo"]
