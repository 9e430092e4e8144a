"""Networks as files for other programs: TorchScript, ONNX, ``torch.export``."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "export": "Exported export_network",
        "formats": "FORMATS Format check_export format_of",
        "parity": "SHAPES TOLERANCE largest_difference",
    },
)
