"""What a fused picture must not do: lose what one source shows, or show what none has."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "check": "CheckLostd",
        "resampling": "CheckAveragedd FindSmalld KeepFined",
    },
)
