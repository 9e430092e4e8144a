"""``app.yaml``: what a site chooses, and what the package tool needs."""

from __future__ import annotations

import pytest
from conftest import APP
from holoscan_cli.packager.config_reader import ApplicationConfiguration

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.options import Options
from settings import in_settings, read_options


def test_the_settings_that_come_with_it_are_options():
    assert Options(**read_options(APP / "app.yaml")).register == "check"


@pytest.mark.parametrize("content", ["", "application: {title: x}\n", "fuse_study:\n"])
def test_nothing_need_be_chosen(content, tmp_path):
    (tmp_path / "app.yaml").write_text(content)
    assert read_options(tmp_path / "app.yaml") == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("fuse_study: {registration: rigid}", "there is no option registration; known are task,"),
        ("fuse_study: {output: elsewhere}", "the application itself sets output; leave it out."),
        ("fuse_study: {format: auto}", "the application itself sets format; leave it out."),
        ("fuse_study: [register]", "fuse_study has to hold options by name."),
        ("fuse_study: {", "is no YAML file."),
        (None, "cannot be read: no such file or directory."),
    ],
)
def test_what_cannot_be_chosen_is_refused(content, reason, tmp_path):
    settings = tmp_path / "app.yaml"
    if content is not None:
        settings.write_text(content)
    with pytest.raises(InputError) as refused:
        read_options(settings)
    assert str(refused.value).startswith(str(settings))
    assert reason in str(refused.value)


def test_what_a_sentence_says_can_be_written_into_the_settings(tmp_path):
    settings = tmp_path / "app.yaml"
    chosen = {"register": "off", "overwrite": True}
    lines = [f"  {in_settings(name, value)}\n" for name, value in chosen.items()]
    settings.write_text("fuse_study:\n" + "".join(lines))
    assert read_options(settings) == chosen


def test_the_package_tool_reads_the_settings():
    configuration = ApplicationConfiguration()
    configuration.read(APP / "app.yaml")
    assert configuration.title() == "MACTFusion, fusion of a DICOM study"
    assert configuration._application_object["version"] == __version__
