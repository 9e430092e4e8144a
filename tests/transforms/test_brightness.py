from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor

from mactfusion.transforms.brightness import SteadyBrightnessd, steady_gain


def volume(slices: int = 5, is_image: bool = False) -> MetaTensor:
    generator = torch.Generator().manual_seed(0)
    voxels = 0.2 + 0.3 * torch.rand(2, slices, 16, 16, generator=generator)
    return MetaTensor(voxels, meta={"is_image": is_image})


def test_each_slice_gets_the_brightness_of_the_brighter_source():
    image = volume()
    brighter = image.amax(dim=0)
    uneven = torch.tensor([0.5, 1.4, 0.7, 1.2, 1.0])[:, None, None]
    data = SteadyBrightnessd()({"image": image, "pred": (brighter * uneven)[None]})
    assert torch.allclose(data["pred"][0], brighter, atol=1e-5)


@pytest.mark.parametrize("haze", [0.02, 0.05, 0.1])
def test_haze_over_dark_places_changes_bright_tissue_little(haze):
    # The same tissue in every slice, and less of it towards the top of the head.
    image = MetaTensor(torch.zeros(2, 4, 32, 32))
    for index, edge in enumerate((32, 24, 16, 8)):
        image[0, index, :edge, :edge] = 0.6
    image[1] = 0.03
    brighter = image.amax(dim=0)
    fused = brighter + haze * (brighter < 0.5)
    steady = SteadyBrightnessd()({"image": image, "pred": fused[None]})["pred"][0]
    tissue = steady[:, 0, 0]
    tissue_by_plain_mean = 0.6 * brighter.mean(dim=(1, 2)) / fused.mean(dim=(1, 2))
    assert (tissue - 0.6).abs().max() < 0.5 * (tissue_by_plain_mean - 0.6).abs().max()


def test_the_contrast_within_a_slice_stays():
    image = volume()
    fused = 0.5 * torch.rand(1, 5, 16, 16, generator=torch.Generator().manual_seed(1))
    steady = SteadyBrightnessd()({"image": image, "pred": fused})["pred"]
    ratio = steady[0, 2] / fused[0, 2]
    unclipped = steady[0, 2] < 1
    assert unclipped.any()
    assert (ratio[unclipped] - ratio[unclipped].mean()).abs().max() < 1e-4


def test_the_gain_of_a_slice_does_not_depend_on_the_others():
    image, fused = volume(), volume().mean(dim=0)
    gain = steady_gain(fused, image.amax(dim=0))
    alone = steady_gain(fused[3:4], image.amax(dim=0)[3:4])
    assert torch.equal(gain[3:4], alone)


def test_noise_in_an_empty_slice_is_not_amplified():
    image = volume()
    image[:, 1] = 0.01 * torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(2))
    data = SteadyBrightnessd()({"image": image, "pred": torch.full((1, 5, 16, 16), 0.6)})
    assert data["pred"][0, 1].max() == 0
    assert data["pred"][0, 0].max() > 0.2


@pytest.mark.parametrize("empty", ["image", "pred"])
def test_an_empty_slice_is_black_and_finite(empty):
    data = {"image": volume(), "pred": volume()[:1]}
    data[empty][:, 2] = 0
    steady = SteadyBrightnessd()(data)["pred"][0]
    assert steady[2].abs().max() == 0
    assert steady[1].max() > 0
    assert torch.isfinite(steady).all()


def test_a_picture_keeps_the_networks_luminance():
    image, fused = volume(1, is_image=True), torch.full((1, 1, 16, 16), 0.123)
    assert torch.equal(SteadyBrightnessd()({"image": image, "pred": fused})["pred"], fused)


def test_a_slice_alone_comes_out_as_it_does_in_its_volume():
    image, fused = volume(), volume()[:1] ** 2
    whole = SteadyBrightnessd()({"image": image, "pred": fused})["pred"]
    alone = SteadyBrightnessd()({"image": image[:, 2:3], "pred": fused[:, 2:3]})["pred"]
    assert torch.equal(alone[:, 0], whole[:, 2])
    assert not torch.allclose(alone[:, 0], fused[:, 2])


def test_what_lies_above_full_scale_is_clipped_after_the_gain():
    """A lesion in bright tissue: the network goes to 2 and 1.5, the brighter source to 1."""
    image = MetaTensor(torch.full((2, 1, 16, 16), 0.75), meta={"is_image": False})
    image[1, 0, 4:8, 4:8] = 1.0
    fused = torch.full((1, 1, 16, 16), 1.5)
    fused[0, 0, 4:8, 4:8] = 2.0
    steady = SteadyBrightnessd()({"image": image, "pred": fused})["pred"][0, 0]
    torch.testing.assert_close(steady, image.as_tensor()[1, 0], rtol=0.01, atol=0)
