"""Files laid over train.yaml and mactfusion.yaml change what they say and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser
from monai.engines import IterationEvents
from torch import nn

from mactfusion.losses.dilran import vgg16_bn_layers
from mactfusion.networks.ablation import AblatedMACTFusion
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import load_weights

BUNDLE = Path(__file__).resolve().parents[2] / "monai_bundle"
TERMS = {
    "mactfusion": {
        "IntensityLoss": 20,
        "GradientMagnitudeLoss": 10,
        "LegacyMultiScaleSimilarityLoss": 10,
    },
    "train_slides": {
        "AbsoluteIntensityLoss": 20,
        "GradientMagnitudeLoss": 10,
        "BothSimilarityLoss": 10,
    },
    "ablations/mactfusion_loss_without_similarity": {
        "IntensityLoss": 20,
        "GradientMagnitudeLoss": 10,
    },
    "ablations/mactfusion_loss_without_gradient": {
        "IntensityLoss": 20,
        "LegacyMultiScaleSimilarityLoss": 10,
    },
    "ablations/mactfusion_loss_without_intensity": {
        "GradientMagnitudeLoss": 10,
        "LegacyMultiScaleSimilarityLoss": 10,
    },
}


def load(bundle, *names):
    files = [str(bundle / "configs" / f"{name}.yaml") for name in ("train", "mactfusion", *names)]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser["device"] = "cpu"
    return parser


@pytest.mark.parametrize("sharpens", [False, True])
def test_ct_alone_weighs_the_terms_that_it_means(bundle, sharpens):
    names = ("train_quality", "mactfusion_plus", *["sharpen"] * sharpens, "ct_alone")
    parser = load(bundle, *names)
    terms = parser["loss"]["terms"]
    assert [(entry["term"]["_target_"].split(".")[-1], entry["weight"]) for entry in terms] == [
        ("WeightedQualityLoss", 65),
        ("GradientVectorLoss", 3),
        ("EdgePreservationLoss", 30),
        ("DifferenceCorrelationLoss", 3.7),
        ("StrongestStructureLoss", 6),
        ("RangeLoss", 5),
    ]
    assert parser["task"] == "ct-mri"


@pytest.mark.parametrize("name", TERMS)
def test_loss_has_the_terms_that_are_meant(bundle, name):
    parser = load(bundle, name)
    terms = parser["loss"]["terms"]
    found = {entry["term"]["_target_"].split(".")[-1]: entry["weight"] for entry in terms}
    assert found == TERMS[name]
    loss = parser.get_parsed_content("loss")
    generator = torch.Generator().manual_seed(0)
    sources = torch.rand(1, 2, 32, 32, generator=generator)
    pred = torch.rand(1, 1, 32, 32, generator=generator)
    assert torch.isfinite(loss(pred, sources))


@pytest.mark.parametrize(
    ("name", "without", "parameters"),
    [
        # Numbers of one branch by the specification of the network: 16 292 + 9 344 + 34 528 make
        # way for 480, 83 088 of 103 872 that are used, 69 096; twice.
        ("shallow_extraction", "SFE", 571_035 - 2 * (16_292 + 9_344 + 34_528 - 480)),
        ("adaptive_fusion", "SAFM", 571_035 - 2 * 83_088),
        ("cross_transformer", "CMFT", 571_035 - 2 * 69_096),
    ],
)
def test_network_lacks_the_module_of_the_ablation(bundle, name, without, parameters):
    network = load(bundle, f"ablations/mactfusion_without_{name}").get_parsed_content("network_def")
    assert isinstance(network, AblatedMACTFusion)
    assert sum(p.numel() for p in network.parameters()) == parameters
    image = torch.rand(2, 2, 16, 24, generator=torch.Generator().manual_seed(0))
    network(image).square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert network(image).shape == (2, 1, 16, 24)


def test_training_on_takes_pairs_of_any_kind(bundle):
    """Of a task that train.yaml does not name, every term has a weight; it starts as shipped."""
    files = [str(bundle / "configs" / f"{name}.yaml") for name in ("train", "fine_tune")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser["bundle_root"], parser["device"] = str(bundle), "cpu"
    assert all(isinstance(term["weight"], float) for term in parser["loss"]["terms"])
    shipped = load_weights(MODELS[DEFAULT_MODEL].network(), bundle / "models" / "model.pt")
    network = parser.get_parsed_content("network")
    for name, values in shipped.state_dict().items():
        assert torch.equal(network.state_dict()[name], values), name


ABLATIONS = sorted((BUNDLE / "configs" / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_each_ablation_changes_what_it_is_laid_over(path):
    head = path.read_text(encoding="utf-8").replace("\n#", "")
    (bases,) = re.findall(r"laid over (\w+\.yaml)(?: and (\w+\.yaml))?", head)
    files = [str(BUNDLE / "configs" / name) for name in bases if name]
    plain, ablated = (ConfigParser.load_config_files(f) for f in (files, [*files, str(path)]))
    found = []
    for config in (plain, ablated):
        parser = ConfigParser(config)
        parser["device"] = "cpu"
        parser["vgg"] = {f"features.{k}": v for k, v in vgg16_bn_layers().state_dict().items()}
        network = parser.get_parsed_content("network_def")
        assert isinstance(network, nn.Module)
        options = [(k, v) for module in network.modules() for k, v in vars(module).items()]
        choices = [option for option in options if isinstance(option[1], str | int | float)]
        tensors = {name: tensor.shape for name, tensor in network.state_dict().items()}
        parts = [str(network), str(tensors), str(choices)]
        if "loss" in parser.config:
            loss = parser.get_parsed_content("loss")
            parts += [str(loss), str(loss.weights)]
        found.append(parts)
    assert found[0] != found[1]


def test_there_are_ablations():
    assert len(ABLATIONS) >= 22


def test_an_unknown_module_is_refused():
    with pytest.raises(ValueError, match="no module is called XYZ"):
        AblatedMACTFusion("XYZ")


def test_without_it_less_loss_is_preferred_to_more_and_to_none(bundle):
    better = load(bundle).get_parsed_content("validate#evaluator#metric_cmp_fn")
    assert better(0.4, 0.5)
    assert not better(0.5, 0.4)
    assert better(0.4, float("nan"))
    assert not better(float("nan"), 0.4)


def test_a_pair_that_is_drawn_more_often_is_kept_once(bundle, slices):
    drawn = []
    for once in (True, False):
        parser = load(bundle, "train_quality")
        parser["dataset_dir"], parser["val_every_case"], parser["crop"] = str(slices), 2, [32, 32]
        assert parser["train#dataset"]["hash_as_key"]
        parser["train#dataset#hash_as_key"] = once
        dataset = parser.get_parsed_content("train#dataset")
        assert (len(dataset), dataset.cache_num) == (12, 4 if once else 12)
        drawn.append(
            [(item["task"], item["image"]) for draw in range(15) for item in dataset[draw]]
        )
    for (task, image), (other_task, other_image) in zip(*drawn, strict=True):
        assert task == other_task
        assert torch.equal(image, other_image)


def test_selection_by_quality_prefers_more(bundle, slices, tmp_path):
    parser = load(bundle, "select_by_quality")
    parser["dataset_dir"], parser["output_dir"] = str(slices), str(tmp_path)
    parser["selection"] = ["SCD", "Qabf"]
    better = parser.get_parsed_content("validate#evaluator#metric_cmp_fn")
    assert better(0.6, 0.5)
    assert not better(0.5, 0.6)
    assert better(0.1, float("nan"))
    parser["val_every_case"] = 2
    parser["precision"] = "float32"
    evaluator = parser.get_parsed_content("validate#evaluator")
    evaluator.run(1)
    values = evaluator.state.metric_details["val_quality"]
    assert values.shape == (4, 2)
    assert evaluator.state.best_metric == pytest.approx(float(values.mean()))
    assert (tmp_path / "model.pt").is_file()


def test_the_published_schedule_is_that_of_the_authors_script(bundle, slices, tmp_path):
    plain, published = load(bundle), load(bundle, "published_schedule")
    named = [published.get_parsed_content(key) for key in ("epochs", "epoch_length", "batch_size")]
    assert named == [2, 7500, 4]
    published.parse(reset=True)
    assert published["loss"] == plain["loss"]
    published["dataset_dir"], published["output_dir"] = str(slices), str(tmp_path)
    published["val_every_case"], published["val_interval"] = 2, 3
    published["crop"], published["batch_size"], published["epoch_length"] = [32, 32], 1, 2
    optimizer = published.get_parsed_content("optimizer")
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert optimizer.defaults["weight_decay"] == 0
    network = published.get_parsed_content("network")
    trainer = published.get_parsed_content("train#trainer")
    rates, norms = [], []

    @trainer.on(IterationEvents.MODEL_COMPLETED)
    def note():
        rates.append(optimizer.param_groups[0]["lr"])
        norms.append(torch.cat([p.grad.flatten() for p in network.parameters()]).norm())

    trainer.run()
    # 1e-3 * 0.75 ** (epoch - 1), epochs from 0
    assert rates == pytest.approx([1.0e-3 / 0.75] * 2 + [1.0e-3] * 2)
    assert min(norms) > 2  # train.yaml clips to 1
    averaged = published.get_parsed_content("averaged").module
    for own, average in zip(network.parameters(), averaged.parameters(), strict=True):
        assert torch.equal(own, average)


def test_sharpening_moves_the_direct_path_alone(bundle):
    parser = load(bundle, "train_quality", "mactfusion_plus", "sharpen")
    parser.get_parsed_content("optimizer")
    network = parser.get_parsed_content("network")
    moving = {name for name, value in network.named_parameters() if value.requires_grad}
    assert moving == {f"direct.{name}" for name, _ in network.direct.named_parameters()}


def test_sharpening_asks_for_the_same_of_a_pair_that_moved(bundle, slices, tmp_path):
    """The added term reaches the step: the direct path's gradient, and the loss by its weight."""
    names = ("train_quality", "mactfusion_plus", "sharpen", "sharpen_shift_consistency")
    losses = []
    for weight in (0, 1e6):
        parser = load(bundle, *names)
        parser["dataset_dir"], parser["output_dir"] = str(slices), str(tmp_path / str(weight))
        parser["crop"], parser["seen#shifts"] = [32, 32], [4]
        parser["batch_size"] = parser["epochs"] = parser["epoch_length"] = 1
        parser["loss#terms"][-1]["weight"] = weight
        parser["val_interval"], parser["val_every_case"], parser["warmup_steps"] = 2, 2, 0
        torch.manual_seed(0)
        network = parser.get_parsed_content("network")
        torch.nn.init.normal_(network.direct.layers[-1].weight, std=0.1)
        before = {name: value.clone() for name, value in network.named_parameters()}
        trainer = parser.get_parsed_content("train#trainer")
        trainer.run()
        still, moved = trainer.state.output
        assert still["pred"].shape == moved["pred"].shape == (1, 32, 32)
        losses.append(float(still["loss"]))
        trained = {
            name for name, value in network.named_parameters() if (value != before[name]).any()
        }
        assert trained == {f"direct.{name}" for name, _ in network.direct.named_parameters()}
    assert losses[1] > losses[0] + 100


@pytest.mark.parametrize("moves", [False, True])
def test_sharpening_draws_what_was_seen_at_the_same_place(bundle, slices, moves):
    """A crop of what was seen of the whole slice lies, and is turned, as the crop of the slice."""
    names = ("train_quality", "mactfusion_plus", "sharpen")
    parser = load(bundle, *names, *["sharpen_shift_consistency"] * moves)
    parser["dataset_dir"], parser["val_every_case"] = str(slices), 2
    if moves:
        parser["seen#shifts"] = [4]
    parser["crop"] = [32, 32]
    parser["train#dataset#data"] = "$2 * @pairs[0][:2]"
    network = parser.get_parsed_content("network").eval()
    dataset = parser.get_parsed_content("train#dataset")
    wholes = []
    for pair in dataset.data[:2]:
        image = dataset.transform.transforms[0](pair)["image"]
        with torch.no_grad():
            looks = [network.look(image[None])[0]]
            if moves:
                moved = network.look(image[None].roll((4, 4), (2, 3)))[0]
                looks.append(moved.roll((-4, -4), (1, 2)))
            wholes.append(torch.cat([image, *looks]))
    for draw in range(6):
        (item,) = dataset[draw]
        drawn = torch.cat([item[name].float() for name in parser["cropped"]])
        assert drawn.shape == (35 + 33 * moves, 32, 32)
        assert any(_has_crop(whole, drawn) for whole in wholes), draw


def _has_crop(whole, crop):
    """Whether the crop, turned or mirrored, is somewhere in the whole."""
    for turns in range(4):
        for turned in (crop.rot90(turns, (1, 2)), crop.flip(1).rot90(turns, (1, 2))):
            windows = whole[:2].unfold(1, 32, 1).unfold(2, 32, 1)
            found = (windows - turned[:2, None, None]).abs().amax(dim=(0, 3, 4)) < 1e-6
            for row, column in found.nonzero().tolist():
                there = whole[:, row : row + 32, column : column + 32]
                if torch.allclose(there, turned, atol=5e-3, rtol=2e-3):
                    return True
    return False
