"""Whether a partner lies where the anatomical volume is, and how to put it there."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "before": "KeepBefored",
        "linear": "read_transform write_transform",
        "step": "PlacePartnerd",
        "verdict": "Verdict judge",
    },
)
