"""The demo: a synthetic head in four modalities, fused, drawn and checked."""

from mactfusion.demo.run import run_demo
from mactfusion.demo.volumes import demo_volumes

__all__ = ["demo_volumes", "run_demo"]
