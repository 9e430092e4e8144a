"""The operator between others, as a site's own application would use it."""

from __future__ import annotations

import pytest
from conftest import APP
from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application, Operator

from fuse_operator import FuseStudyOperator
from mactfusion.errors import InputError


class Finds(Operator):
    """Says where the study is."""

    def __init__(self, fragment, *args, study, **kwargs):
        self.study = study
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec):
        spec.output("folder")

    def compute(self, op_input, op_output, context):
        op_output.emit(self.study, "folder")


class Sends(Operator):
    """Learns where the series is."""

    def __init__(self, fragment, *args, seen, **kwargs):
        self.seen = seen
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec):
        spec.input("folder")

    def compute(self, op_input, op_output, context):
        self.seen.append(op_input.receive("folder"))


class Site(Application):
    """Finds a study, fuses it, and sends the series."""

    def __init__(self, study, output, seen):
        self.study, self.output, self.seen = study, output, seen
        super().__init__(["python", str(APP)])

    def compose(self):
        found = Finds(self, CountCondition(self, 1), study=self.study, name="find")
        fuse = FuseStudyOperator(
            self,
            CountCondition(self, 1),
            study_folder=self.output / "not this one",
            output_folder=self.output,
            options={"model": "pixel_weights"},
            name="fuse",
        )
        sent = Sends(self, seen=self.seen, name="send")
        self.add_flow(found, fuse, {("folder", "study_folder")})
        self.add_flow(fuse, sent, {("series_folder", "folder")})


def test_it_takes_a_study_from_another_operator_and_hands_the_series_on(study, tmp_path):
    seen = []
    Site(study, tmp_path / "output", seen).run()
    assert seen == [tmp_path / "output" / "fused"]
    assert len(list(seen[0].glob("*.dcm"))) == 6


def test_what_it_refuses_reaches_the_application(tmp_path):
    (tmp_path / "empty").mkdir()
    seen = []
    with pytest.raises(InputError):
        Site(tmp_path / "empty", tmp_path / "output", seen).run()
    assert seen == []
    assert not (tmp_path / "output").exists()
