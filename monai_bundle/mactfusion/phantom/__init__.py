"""A synthetic head for the demo, for training without data, and for tests."""

from mactfusion.phantom.head import HeadPhantom
from mactfusion.phantom.slices import phantom_slices

__all__ = ["HeadPhantom", "phantom_slices"]
