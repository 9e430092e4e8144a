"""Whether a network runs or is being recorded."""

from __future__ import annotations

import torch


def is_recorded() -> bool:
    """Whether a graph is being recorded, for export or by the compiler, rather than run.

    A recorded graph keeps the plain operations, which every runtime knows and every size fits;
    shortcuts that suit one device or one size stay out of it.
    """
    return torch.jit.is_tracing() or torch.compiler.is_compiling()
