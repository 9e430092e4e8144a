"""Pairs beside a copy with lesions in one source, so that training can ask for them to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Randomizable, Transform
from torch import Tensor, nn

from mactfusion.engine.step import prepare_pair
from mactfusion.errors import InputError
from mactfusion.trust.lesions import LESIONS, Spots, draw_spots, kept_share, put_lesions

if TYPE_CHECKING:
    from collections.abc import Mapping

TISSUE = 0.08
"""Brighter source above which a pixel is tissue, where a lesion may lie."""
WEAKEST, STRONGEST = 0.5, 2.0
"""Times the change that a lesion is measured with."""
REACH_PIXELS = 11
"""Of a lesion with its ring, on each side of its centre; two lie twice as far apart."""
OUTSIDE_CLIP = 0.1
"""Slope of brightness outside [0, 1], where a viewer sees none: there must be a way back."""


class RandLesionsd(Randomizable, Transform):
    """Put lesions into one source of a copy of ``image``, all at places of their own.

    Each is one of :data:`~mactfusion.trust.lesions.LESIONS`, at 1 mm a pixel, half to twice as
    strong, and hot or cold. Which source has them is drawn once a pair.

    Args:
        count: of lesions; fewer where there is no room for so many.
    """

    def __init__(self, count: int = 8) -> None:
        self.count = count

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Draw lesions for ``image`` ``(2, H, W)``.

        Returns:
            Beside what there is: ``lesioned`` ``(2, H, W)``, the changed copy; ``share`` and
            ``ring`` ``(count, H, W)``, see :class:`~mactfusion.trust.lesions.Spots`, all 0 where
            there was no room; ``change`` ``(count,)``.
        """
        image = torch.as_tensor(data["image"])
        channel = self.R.randint(2)
        share = image.new_zeros(self.count, *image.shape[1:])
        ring, change = torch.zeros_like(share), image.new_zeros(self.count)
        lesioned = image.clone()
        middle, size = torch.full((1, 2), float(REACH_PIXELS)), 2 * REACH_PIXELS + 1
        for number, centre in enumerate(self._places(image).tolist()):
            lesion = list(LESIONS.values())[self.R.randint(len(LESIONS))]
            strength = float(self.R.choice([-1, 1]) * self.R.uniform(WEAKEST, STRONGEST))
            angle = torch.tensor([self.R.uniform(0, torch.pi)])
            spots = draw_spots(lesion, middle, angle, (size, size))
            rows, columns = (slice(at - REACH_PIXELS, at + REACH_PIXELS + 1) for at in centre)
            share[number, rows, columns], ring[number, rows, columns] = (
                spots.share[0],
                spots.ring[0],
            )
            change[number] = strength * lesion.change
        source = lesioned[None, channel : channel + 1]
        for spot, amount in zip(share, change.tolist(), strict=True):
            source.copy_(put_lesions(source, spot, amount))
        return {**data, "lesioned": lesioned, "share": share, "ring": ring, "change": change}

    def _places(self, image: Tensor) -> Tensor:
        """Choose up to ``count`` pixels of tissue that lie apart, ``(N, 2)``."""
        inside = torch.zeros_like(image[0], dtype=torch.bool)
        inside[REACH_PIXELS:-REACH_PIXELS, REACH_PIXELS:-REACH_PIXELS] = True
        tissue = ((image.amax(dim=0) > TISSUE) & inside).nonzero()
        chosen = tissue[:0]
        for _ in range(self.count):
            far = (tissue[:, None] - chosen[None]).abs().amax(dim=2) > 2 * REACH_PIXELS
            tissue = tissue[far.all(dim=1)]
            if len(tissue) == 0:
                break
            chosen = torch.cat([chosen, tissue[self.R.randint(len(tissue))][None]])
        return chosen


class LesionedPairs:
    """A ``prepare_batch`` that puts the copy with lesions behind each batch.

    :class:`LesionContrastLoss` looks up the lesions of the last batch here.

    Attributes:
        last: share, ring and change of the lesions of the last batch, None before the first.
        are_seen: a :class:`LesionContrastLoss` looks at them.
    """

    def __init__(self) -> None:
        self.last: tuple[Tensor, Tensor, Tensor] | None = None
        self.are_seen = False

    def __call__(
        self,
        batch: Mapping[str, Any],
        device: torch.device | str | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor]:
        """Return ``(2B, 2, H, W)`` twice, for the network and for the loss.

        Raises:
            InputError: no term of the criterion looks at the lesions, as where an overlay with a
                criterion of its own lies on the wrong file.
        """
        if not self.are_seen:
            raise InputError(
                "Lesions are drawn, but no term of the criterion looks at them: lay the overlay"
                " over the files that its first lines name, or give --lesions False."
            )
        tasks = 2 * list(batch.get("task", ()))
        both = torch.cat([batch["image"], batch["lesioned"]])
        share, ring, change = (
            batch[key].to(device=device, non_blocking=non_blocking, **kwargs)
            for key in ("share", "ring", "change")
        )
        self.last = (share, ring, change)
        return prepare_pair({"image": both, "task": tasks}, device, non_blocking, **kwargs)


class LesionContrastLoss(nn.Module):
    """Mean shortfall of what is kept of the lesions, below a share of what the source shows.

    See :func:`mactfusion.trust.lesions.kept_share`. A lesion counts by the brightness that a viewer
    sees: outside [0, 1] there is hardly any change.

    Args:
        pairs: the ``prepare_batch`` that made the batch; it knows the lesions.
        least: share that is enough.
    """

    def __init__(self, pairs: LesionedPairs, least: float) -> None:
        super().__init__()
        self.pairs = pairs
        pairs.are_seen = True
        self.least = least

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare the halves of ``(2B, 1, H, W)``; range 0 (best) upwards.

        0 for a single pair, as in validation, and where no lesion is seen in its source.

        Raises:
            ValueError: the halves are no pairs and their copies with lesions.
        """
        if len(pred) == 1:
            return pred.new_zeros(())
        if self.pairs.last is None or len(self.pairs.last[0]) * 2 != len(pred):
            raise ValueError("LesionContrastLoss needs LesionedPairs as prepare_batch")
        plain, lesioned = (_seen(half)[:, None] for half in pred.chunk(2))
        # One source has them; the other is the same in both halves.
        before, after = (half.sum(1, keepdim=True)[:, None] for half in sources.chunk(2))
        shortfalls = []
        for index, (share, ring, change) in enumerate(zip(*self.pairs.last, strict=True)):
            drawn = change != 0
            spots = Spots(share[drawn][:, None], ring[drawn][:, None])
            fused, source = (lesioned[index], plain[index]), (after[index], before[index])
            kept = kept_share(fused, source, spots, change[drawn])
            shortfalls.append((self.least - kept[kept.isfinite()]).clamp_min(0))
        shortfall = torch.cat(shortfalls)
        return shortfall.mean() if len(shortfall) else pred.new_zeros(())


def _seen(pred: Tensor) -> Tensor:
    clipped = pred.clamp(0, 1)
    return clipped + OUTSIDE_CLIP * (pred - clipped)
