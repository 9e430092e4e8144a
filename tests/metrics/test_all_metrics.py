"""What holds for every metric and variant, and what each is on pictures worked out by hand."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy.signal import convolve2d

from mactfusion.errors import InputError
from mactfusion.metrics import (
    LARGER_IS_BETTER,
    METRICS,
    OF_COLORS,
    RANKING,
    VARIANTS,
    find_metric,
)

NOT_OF_THIS_TEST = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What the garbage collector says, at a time of its own, of files that others left open."""

FUNCTIONS = METRICS | VARIANTS
SMALL = [name for name in FUNCTIONS if name != "MS_SSIM_wang"]
IN_SINGLE_PRECISION = ("LOST", "INVENTED")
FUSED_ALONE = {"EN", "SD", "SF", "AG", "MI_dil", "SF_01", "SF_mn"}

# Of the code that met the published implementations. Without Qabf_01, which hangs on the last digit
# of floating-point numbers.
VALUES = {
    "VIFF": 0.5523263436684662,
    "MI": 5.33973492033577,
    "Q_MI": 1.4098265128229155,
    "FMI": 0.9054099201990733,
    "SSIM": 0.6739531990743057,
    "FSIM": 0.8456176802022359,
    "Q": 0.9133924735319192,
    "Qe": 0.5822059315238123,
    "Q_Y": 0.9570497043096143,
    "CC": 0.8480259728572791,
    "PSNR": 15.257118165725483,
    "EN": 4.313188257826283,
    "SD": 70.78012303514127,
    "SF": 31.218936942335556,
    "AG": 7.1105252870694695,
    "rSFe": -0.17818670614113932,
    "SCD_u8": 1.8196719520164315,
    "MEF_SSIM": 0.9461359536751757,
    "Qabf_one": 0.6939017822892312,
    "Q_uqi": 0.9190360716155309,
    "Qw_uqi": 0.8144824239458818,
    "VIF_A": 0.7167496492030129,
    "VIF_B": 0.3003438489758199,
    "VIF_u8": 0.7855999282195558,
    "SSIM_cdd": 1.3392589727440718,
    "FSIM_dil": 0.8338576290185278,
    "PSNR_mean": 17.622090378247115,
    "PSNR_dil": 15.846124237717135,
    "SD_u8": 10.668957782100836,
    "SF_mn": 30.974078754460155,
}


@pytest.mark.parametrize("name", VALUES)
def test_value_stays(name, pictures):
    assert FUNCTIONS[name](*pictures) == pytest.approx(VALUES[name], abs=1e-8)


def test_names_are_told_apart():
    assert list(METRICS)[: len(RANKING)] == list(RANKING)
    assert not METRICS.keys() & VARIANTS.keys()
    assert len({name.casefold() for name in FUNCTIONS}) == len(FUNCTIONS)
    assert list(LARGER_IS_BETTER) == [*FUNCTIONS, *OF_COLORS]
    assert all(LARGER_IS_BETTER[name] for name in RANKING)


def test_metrics_are_found_by_name():
    assert find_metric("SCD") is METRICS["SCD"]
    assert find_metric("PSNR_tang") is VARIANTS["PSNR_tang"]
    with pytest.raises(InputError, match=r"no metric RQ; there are SCD, .*SF_mn"):
        find_metric("RQ")


@pytest.mark.parametrize("name", [n for n in SMALL if LARGER_IS_BETTER[n] and n not in FUSED_ALONE])
def test_larger_is_better(name, pictures):
    fused, source_a, source_b = pictures
    unrelated = np.random.default_rng(4).permutation(fused.ravel()).reshape(fused.shape)
    function = FUNCTIONS[name]
    assert function(*pictures) > function(unrelated, source_a, source_b)


@pytest.mark.parametrize("name", [n for n in SMALL if n not in ("VIFF", "VIF_A", "VIF_B")])
def test_sources_may_be_exchanged(name, pictures):
    fused, source_a, source_b = pictures
    swapped = FUNCTIONS[name](fused, source_b, source_a)
    digits = 1e-4 if name in IN_SINGLE_PRECISION else 1e-12
    assert swapped == pytest.approx(FUNCTIONS[name](*pictures), abs=digits)


@pytest.mark.parametrize("name", SMALL)
def test_number_type_does_not_matter(name, pictures):
    bytes_ = (picture.astype(np.uint8) for picture in pictures)
    assert FUNCTIONS[name](*bytes_) == FUNCTIONS[name](*pictures)


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("levels", [(0, 0, 0), (255, 255, 255), (10, 200, 90), (90, 0, 90)])
def test_flat_pictures_give_a_number(name, levels):
    value = FUNCTIONS[name](*(np.full((48, 48), level) for level in levels))
    assert not np.isnan(value)
    assert np.isfinite(value) or name.startswith("PSNR")


def test_black_source_has_no_peak():
    grey, black = np.full((4, 4), 90), np.zeros((4, 4))
    assert FUNCTIONS["PSNR_dil"](grey, grey, black) == -np.inf
    assert FUNCTIONS["PSNR_dil"](black, black, black) == np.inf


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("blank", [0, 1, 2])
def test_one_blank_picture_gives_a_number(name, blank, pictures):
    partly = [p * (index != blank) for index, p in enumerate(pictures)]
    value = FUNCTIONS[name](*partly)
    assert np.isfinite(value) or (name, value) == ("PSNR_dil", -np.inf)


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("VIFF", 1),
        ("Q_MI", 2),
        ("FMI", 1),
        ("SSIM", 1),
        ("FSIM", 1),
        ("Q", 1),
        ("Qe", 1),
        ("Q_Y", 1),
        ("CC", 1),
        ("PSNR", np.inf),
        ("rSFe", 0),
        ("MEF_SSIM", 1),
        ("Q_uqi", 1),
        ("Qw_uqi", 1),
        ("SSIM_cdd", 2),
        ("FSIM_dil", 1),
        ("PSNR_mean", np.inf),
    ],
)
def test_three_equal_pictures(name, best, pictures):
    assert FUNCTIONS[name](*[pictures[1]] * 3) == pytest.approx(best, abs=1e-6)


EDGES = {"SF": 2, "AG": 2, "rSFe": 2, "FMI": 3, "FSIM": 3, "FSIM_dil": 3, "SSIM_cdd": 7, "Q_Y": 7}
EDGES |= {"Q_uqi": 8, "Qw_uqi": 8, "SSIM": 11, "Q": 11, "Qe": 11, "MEF_SSIM": 11}
EDGES |= {"VIFF": 41, "VIF_A": 41, "VIF_u8": 41, "MS_SSIM_wang": 161}


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
@pytest.mark.parametrize(("name", "edge"), EDGES.items())
def test_smallest_picture(name, edge):
    generator = np.random.default_rng(1)
    smallest = [generator.integers(0, 256, (edge, edge + 3)) for _ in range(3)]
    assert np.isfinite(FUNCTIONS[name](*smallest))
    with pytest.raises(InputError, match=f"{edge} pixels"):
        FUNCTIONS[name](*(picture[1:] for picture in smallest))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_refuses_pictures_that_cannot_be_compared(name):
    with pytest.raises(InputError, match="one size"):
        FUNCTIONS[name](np.zeros((176, 176)), np.zeros((176, 176)), np.zeros((176, 175)))


HALVES = np.tile([[0, 200]], (4, 2))
STRIPES = np.tile([[0, 0, 200, 200]], (4, 1))


@pytest.mark.parametrize(
    ("name", "pictures", "expected"),
    [
        ("EN", (HALVES, HALVES, HALVES), 1),
        ("EN", ([[0.2, 0.4, 7, 7]], [[0] * 4], [[0] * 4]), 1),
        ("EN_float", ([[0.2, 0.4, 7, 7]], [[0] * 4], [[0] * 4]), 1.5),
        ("MI", (HALVES, HALVES, STRIPES), 1),
        ("MI_nats", (HALVES, HALVES, STRIPES), np.log(2)),
        ("MI_mean", (HALVES, HALVES, STRIPES), 0.5),
        ("Q_MI", (HALVES, HALVES, STRIPES), 1),
        ("MI_u8", ([[254, 255]], [[254, 255]], [[0, 0]]), 3),
        ("MI", ([[254, 255]], [[254, 255]], [[0, 0]]), 1),
        ("SD", (HALVES, HALVES, HALVES), 100),
        ("SD_u8", (HALVES, HALVES, HALVES), np.sqrt(255 / 2)),
        ("SD_u8", ([[0, 1, 2, 7]], [[0] * 4], [[0] * 4]), np.sqrt((0 + 0 + 0 + 5**2) / 4)),
        ("SF", ([[0, 3], [4, 4]], np.eye(2), np.eye(2)), np.sqrt(9 / 2 + (16 + 1) / 2)),
        ("SF_mn", ([[0, 3], [4, 4]], np.eye(2), np.eye(2)), np.sqrt(26 / 4)),
        ("SF_01", ([[0, 3], [4, 4]], np.eye(2), np.eye(2)), np.sqrt(13) / 255),
        ("AG", (np.arange(12.0).reshape(3, 4),) * 3, np.sqrt((16 + 1) / 2) * 12 / 6),
        ("CC", (HALVES, HALVES, 255 - HALVES), 0),
        ("PSNR", ([[10]], [[10]], [[30]]), 10 * np.log10(255**2 / 200)),
        ("PSNR_mean", ([[20]], [[10]], [[40]]), 10 * np.log10(255**2 / 200)),
        ("PSNR_dil", ([[20]], [[10]], [[40]]), 10 * np.log10(1 * 2)),
        ("PSNR_tang", ([[0]], [[255]], [[255]]), 20 * np.log10(255)),
        ("SCD_u8", (HALVES, HALVES, 255 - HALVES), 1),
    ],
)
def test_worked_out_by_hand(name, pictures, expected):
    assert FUNCTIONS[name](*pictures) == pytest.approx(expected, abs=1e-12)


def test_spatial_frequency_error_by_hand():
    source_a, source_b = np.array([[0, 6], [0, 0]]), np.array([[0, 0], [2, 0]])
    diagonal = 1 / np.sqrt(2)
    ideal = np.sqrt((36 + 4 + 4 + 36 + diagonal * (0 + 36)) / 4)
    found = np.sqrt((36 + 36 + diagonal * 36) / 4)
    value = METRICS["rSFe"](source_a, source_a, source_b)
    assert value == pytest.approx(found / ideal - 1)
    assert METRICS["rSFe"](2 * source_a, source_a, source_a) == pytest.approx(1)
    assert METRICS["rSFe"](source_a, np.zeros((2, 2)), np.zeros((2, 2))) == np.inf


def _windows(picture, size):
    return np.lib.stride_tricks.sliding_window_view(picture.astype(float), (size, size))


def test_index_without_constants_window_by_window():
    generator = np.random.default_rng(7)
    pictures = [generator.integers(0, 4, (20, 23)) * 60 for _ in range(3)]
    for picture in pictures:
        picture[:10, :10] = 0
    axes = (-2, -1)
    fused, source_a, source_b = (_windows(picture, 8) for picture in pictures)

    def index(first, second):
        means, spreads = (first.mean(axes), second.mean(axes)), (first.var(axes), second.var(axes))
        covariance = (first * second).mean(axes) - means[0] * means[1]
        below = (means[0] ** 2 + means[1] ** 2) * (spreads[0] + spreads[1])
        above = 4 * covariance * means[0] * means[1]
        return np.where(below > 0, above / np.maximum(below, 1e-300), 1)

    weights = np.stack([source_a.var(axes), source_b.var(axes)])
    share = np.where(weights.sum(0) > 0, weights[0] / np.maximum(weights.sum(0), 1e-300), 0.5)
    quality = share * index(source_a, fused) + (1 - share) * index(source_b, fused)
    assert FUNCTIONS["Q_uqi"](*pictures) == pytest.approx(quality.mean(), abs=1e-10)
    weighted = (quality * weights.max(0)).sum() / weights.max(0).sum()
    assert FUNCTIONS["Qw_uqi"](*pictures) == pytest.approx(weighted, abs=1e-10)


def _feature_information(first, second):
    """One window of FMI, entry by entry; two binary 3x3 patterns."""
    if (first == second).all():
        return 1.0
    p, q = (np.ravel(x if x.any() else np.ones((3, 3)), order="F") for x in (first, second))
    p, q = p / p.sum(), q / q.sum()
    flat = np.ptp(p) < 1e-12 or np.ptp(q) < 1e-12
    correlation = 0.0 if flat else np.corrcoef(p, q)[0, 1]
    places = np.arange(9)
    deviations = [np.sqrt(r @ places**2 - (r @ places) ** 2) for r in (p, q)]
    bound = np.zeros((10, 10))
    product = np.zeros((10, 10))
    for i in range(1, 10):
        for j in range(1, 10):
            left, right = p[:i].sum(), q[:j].sum()
            bound[i, j] = min(left, right) if correlation >= 0 else max(left + right - 1, 0)
            product[i, j] = left * right
    share = 0.0
    if abs(correlation) > 1e-12 and min(deviations) > 1e-6:
        share = correlation * deviations[0] * deviations[1] / (bound - product).sum()
    extreme = bound[1:, 1:] - bound[:-1, 1:] - bound[1:, :-1] + bound[:-1, :-1]
    joint = (share * extreme + (1 - share) * np.outer(p, q)).ravel()
    joint = joint[np.abs(joint) > 1e-14]
    marginal = sum(-(r[r > 0] * np.log2(r[r > 0])).sum() for r in (p, q))
    information = marginal + (joint * np.log2(np.abs(joint))).sum()
    return 2 * information / marginal if abs(information) > 1e-12 else 0.0


def test_feature_information_window_by_window(monkeypatch):
    module = importlib.import_module("mactfusion.metrics.feature_mutual_information")
    generator = np.random.default_rng(11)
    maps = [generator.random((14, 17)) < share for share in (0.15, 0.4, 0.7)]
    remaining = iter(maps)
    monkeypatch.setattr(module, "_sobel_edges", lambda picture: next(remaining))
    fused, source_a, source_b = (_windows(edges, 3).reshape(-1, 3, 3) for edges in maps)
    expected = [
        np.mean([_feature_information(s, f) for s, f in zip(source, fused, strict=True)])
        for source in (source_a, source_b)
    ]
    value = METRICS["FMI"](*(np.zeros((14, 17)) for _ in maps))
    assert value == pytest.approx(np.mean(expected), abs=1e-9)


def test_edges_are_thin():
    module = importlib.import_module("mactfusion.metrics.feature_mutual_information")
    step = np.zeros((12, 12))
    step[:, 6:] = 100
    # Both columns beside the step are as steep; the right one has a weaker neighbour to its right.
    assert module._sobel_edges(step).sum(axis=0).tolist() == [0] * 6 + [12] + [0] * 5
    assert module._sobel_edges(step.T).sum(axis=1).tolist() == [0] * 6 + [12] + [0] * 5


@pytest.mark.parametrize(("shape", "step"), [((512, 530), 2), ((700, 768), 3)])
def test_large_pictures_are_reduced_as_by_convolution(shape, step):
    module = importlib.import_module("mactfusion.metrics.feature_similarity")
    picture = np.random.default_rng(3).integers(0, 256, shape).astype(float)
    kernel = np.full((step, step), 1 / step**2)
    # MATLAB's "same" starts at half the kernel; SciPy's one pixel earlier for an even one.
    full = convolve2d(picture, kernel)[step // 2 :, step // 2 :]
    expected = full[: shape[0] : step, : shape[1] : step]
    np.testing.assert_allclose(module._reduced(picture), expected, atol=1e-9)
