"""Where each voxel of a fused volume came from: the share of every source in it.

A share is how much of a small change at a voxel shows in the fused value of that voxel when the
change is put into one source, compared with what shows when it is put into the others. A network
that says how much of each source it takes is asked; any other is probed with small changes
(docs/adr/0020-provenance.md has the measured reasons).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.errors import inform
from mactfusion.transforms.slabs import by_slabs
from mactfusion.transforms.volume import new_voxels, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WEIGHTS, PROBED = "weights", "probed"
"""How shares were found: by the network's own weights, or by small changes of the sources."""

UNSEEN = 255
"""In ``strongest``: no partner was seen there."""

STEP = 0.01
"""Small change of a source, whose full scale is 1."""
SMOOTHING_PIXELS = 0.6
"""Standard deviation of the mean over neighbours that takes away what they put into each other."""
LEAST_CHANGE = 0.05
"""Of the fused value for a change of 1 in both sources: below it no share can be told."""


NOT_TOLD = -1.0
"""In the place of a share that cannot be told."""


def share_of_first(first: Tensor, second: Tensor) -> Tensor:
    """Return the share of a source in what both do to the fused value, [0, 1] or :data:`NOT_TOLD`.

    Args:
        first: change of the fused value for a change of 1 in that source, any shape; below 0 where
            bright becomes dark.
        second: likewise of the other.
    """
    first, second = first.abs(), second.abs()
    total = first + second
    return (first / total.clamp(min=LEAST_CHANGE)).where(total >= LEAST_CHANGE, NOT_TOLD)


def probed_share(fuse: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    """Find the share of the anatomical source by small changes of both at each voxel.

    Each voxel of a source is made brighter or darker by :data:`STEP`, by chance, neighbours in a
    row or column once alike and once unlike, and the change of the fused voxel is counted with its
    sign (Bekas et al. 2007, doi:10.1016/j.apnum.2007.01.003: an estimator of the diagonal of a
    matrix). What voxels put into others then nearly cancels out. The signs are the same in each
    slice, so that a slice alone gives what it gives within its volume.

    Args:
        fuse: takes ``(2, slices, rows, columns)`` and returns ``(1, …)``, each slice by itself.
        image: the sources in [0, 1].

    Returns:
        ``(1, …)``, see :func:`share_of_first`.
    """
    rows, columns = image.shape[2:]
    generator = torch.Generator().manual_seed(0)
    alike = (2 * torch.randint(2, (rows, columns), generator=generator) - 1).float()
    unlike = alike * (1 - 2 * ((torch.arange(rows)[:, None] + torch.arange(columns)) % 2))
    found = []
    for channel in (0, 1):
        total = torch.zeros_like(image[:1])
        for signs in (alike.to(image.device), unlike.to(image.device)):
            changes = []
            for step in (STEP, -STEP):
                changed = image.clone()
                changed[channel] += step * signs
                changes.append(fuse(changed))
            total += signs * (changes[0] - changes[1])
        found.append(_smoothed(total.cpu() / (4 * STEP)))
    return share_of_first(*found)


def shares_of(anatomical: Tensor, image: Tensor, strongest: Tensor, partners: int) -> Tensor:
    """Turn the share of the anatomical volume into that of each source.

    Args:
        anatomical: ``(1, slices, rows, columns)``, see :func:`share_of_first`.
        image: ``(2, slices, rows, columns)``, the sources in [0, 1].
        strongest: ``(1, …)``, which partner the joined one is, or :data:`UNSEEN`: then all is the
            anatomical volume's.
        partners: how many there are.

    Returns:
        ``(1 + partners, …)`` uint8, the anatomical volume first, then each partner; they add up to
        255. All are 0 where none can be told: both sources are 0, or changes show in nothing.
    """

    def of_slab(share: Tensor, image: Tensor, strongest: Tensor) -> Tensor:
        is_told = (share != NOT_TOLD) & (image.amax(dim=0, keepdim=True) > 0)
        first = (255 * share).round().masked_fill_(strongest == UNSEEN, 255)
        parts = [(255 - first) * (strongest == number) for number in range(partners)]
        return torch.cat([first, *parts]) * is_told

    return by_slabs(of_slab, anatomical, image, strongest, dtype=torch.uint8)


class FindSharesd(Transform):
    """Add ``shares``, if it is wanted, and ``shares_from``, how they were found.

    It sees ``image`` and asks the network again, once where that says what it takes and else eight
    times, in single precision: what small changes make is lost in fewer digits.

    Args:
        network: takes ``(B, 2, H, W)``; one with a method ``weights`` that returns ``(B, 2, H, W)``
            adds nothing to its sources times these.
        inferer: cuts the volume into slices.
        device: where the network runs.
        is_wanted: do it.
    """

    def __init__(
        self,
        network: nn.Module,
        inferer: Callable[[Tensor, nn.Module], Tensor],
        device: torch.device,
        is_wanted: bool = False,
    ) -> None:
        self.network = network
        self.inferer = inferer
        self.device = device
        self.is_wanted = is_wanted

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Find the shares.

        Raises:
            InputError: one slice needs more memory than there is.
            FusionCancelled: the inferer's ``progress`` asked for it.
        """
        if not self.is_wanted:
            return dict(data)
        inform("Finding which source each voxel came from.")
        image = plain(data["image"]).to(self.device)
        weighs = own_weights(self.network) is not None
        if weighs:
            share = self._run(_Share(self.network), image).cpu()
        else:
            share = probed_share(lambda changed: self._run(self.network, changed), image)
        count = len(data["partners"])
        return {
            **data,
            "shares": shares_of(share, image.cpu(), plain(data["strongest"]).cpu(), count),
            "shares_from": WEIGHTS if weighs else PROBED,
        }

    def _run(self, network: nn.Module, image: Tensor) -> Tensor:
        return self.inferer(image[None], network.to(self.device))[0]


def own_weights(network: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what tells how much of each source a network takes; None where nothing does."""
    # A chosen network has the file of its weights under that name, and the network within.
    weigh = getattr(getattr(network, "network", network), "weights", None)
    return weigh if callable(weigh) else None


class _Share(nn.Module):
    """A network whose result is the share of the anatomical source by the weights of another."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        weigh = own_weights(self.network)
        assert weigh is not None  # noqa: S101  looked up before
        return share_of_first(*weigh(image).split(1, dim=1))


def strongest_partner(luminances: list[Tensor], seen: list[Tensor | None]) -> Tensor:
    """Tell which partner the pixel maximum of all takes its brightness from.

    Args:
        luminances: of each partner, ``(1, slices, rows, columns)``.
        seen: where each was seen, bool; everywhere for None.

    Returns:
        ``(1, …)`` uint8, the first of equals, or :data:`UNSEEN`.
    """

    def of_slab(*parts: Tensor) -> Tensor:
        best = torch.full_like(parts[0], -1)
        number = torch.full(best.shape, UNSEEN)
        for place in range(len(luminances)):
            luminance = parts[2 * place].where(parts[2 * place + 1] > 0, -1.0)
            number = number.where(luminance <= best, place)
            best = torch.maximum(best, luminance)
        return number

    volumes = []
    for luminance, field_of_view in zip(luminances, seen, strict=True):
        everywhere = torch.ones((), dtype=torch.bool).expand(luminance.shape)
        volumes += [luminance, everywhere if field_of_view is None else field_of_view]
    return by_slabs(of_slab, *volumes, dtype=torch.uint8)


def _smoothed(volume: Tensor) -> Tensor:
    """Mean over neighbours within each slice, weighed by a Gaussian; ``(1, slices, …)``."""
    offsets = torch.arange(-2.0, 3.0)
    kernel = torch.exp(-(offsets**2) / (2 * SMOOTHING_PIXELS**2))
    kernel /= kernel.sum()
    result = new_voxels(volume.shape)
    for number, picture in enumerate(volume[0]):
        padded = functional.pad(picture[None, None], (2, 2, 2, 2), mode="replicate")
        rows = functional.conv2d(padded, kernel.view(1, 1, 5, 1))
        result[0, number] = functional.conv2d(rows, kernel.view(1, 1, 1, 5))[0, 0]
    return result
