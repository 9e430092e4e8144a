"""What there is to run: every ablation once, with networks and figures that fit."""

from __future__ import annotations

import pytest
import torch

from mactfusion.bundle import bundle_root
from mactfusion.metrics import RANKING
from mactfusion.networks.dilran_fusion import RULES
from training.ablation import studies, trained


def test_every_ablation_is_in_one_study():
    files = {path.stem for path in (bundle_root() / "configs" / "ablations").glob("*.yaml")}
    used = [entry.variant.override for entry in studies.entries() if entry.variant.override]
    assert sorted(used) == sorted(files)
    rules = {trained.read_config(entry)["network_def"].get("rule") for entry in studies.entries()}
    assert rules == {None, *RULES} - {"sfnn_max"}


@pytest.mark.parametrize("entry", studies.entries(), ids=lambda entry: entry.name)
def test_the_network_of_each_variant_takes_the_weights_of_its_training(entry, tmp_path):
    with torch.device("meta"):
        own, theirs = (
            trained.read_config(which).get_parsed_content("network_def").state_dict()
            for which in (entry, entry.trained)
        )
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in theirs.items()}
    assert entry.trained.trained == entry.trained


@pytest.mark.parametrize("study", studies.STUDIES, ids=lambda study: study.name)
def test_printed_figures_are_of_rows_and_columns_that_there_are(study):
    names = {variant.name for variant in study.variants}
    printed = study.printed or studies.Printed(RANKING, {})
    for task, rows in printed.figures.items():
        assert task in study.tasks
        assert set(rows) <= names
        assert {len(row) for row in rows.values()} == {len(printed.metrics)}
