"""The site has every page, and its pages that are made say all that the program has."""

from __future__ import annotations

import logging

import griffe
import pytest
import typer
from blocks import ROOT
from mkdocs.config import load_config
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import get_files
from mkdocs.structure.nav import get_navigation

from command_line_page import command_line_page
from configuration_page import configuration_page, keys_of
from docstring_links import linked
from mactfusion.cli import app
from mactfusion.option_table import OPTIONS
from site_addresses import led_on_site, text_on_site
from site_hooks import on_page_markdown, on_post_page

REPOSITORY = "https://host/repository"
BY_THE_BUNDLE_ALONE = {
    *("bundle_root", "dataset_dir", "output_dir", "anatomical", "partner", "progress")
}


@pytest.fixture(scope="module")
def site():
    """Settings, files and navigation of the site, as a build has them before it renders pages."""
    said = []
    noting = logging.Handler(logging.WARNING)
    noting.emit = lambda record: said.append(record.getMessage())
    log = logging.getLogger("mkdocs")
    log.addHandler(noting)
    config = load_config(str(ROOT / "mkdocs.yml"), strict=True)
    config = config.plugins.on_config(config)
    files = config.plugins.on_files(get_files(config), config=config)
    navigation = get_navigation(files, config)
    log.removeHandler(noting)
    assert said == []
    return config, files, navigation


def test_every_page_is_in_the_navigation_once(site):
    _, files, navigation = site
    shown = [page.file.src_uri for page in navigation.pages]
    assert sorted(shown) == sorted({file.src_uri for file in files.documentation_pages()})
    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert written < set(shown)
    assert len(set(shown) - written) > 15  # what is made


def test_a_page_that_is_in_no_section_is_noticed(site, caplog, monkeypatch):
    config, files, _ = site
    monkeypatch.setitem(config, "nav", [{"Start": ["README.md", "nowhere.md"]}])
    for file in files:
        file.page = None  # which the navigation of the whole site had set
    with caplog.at_level(logging.WARNING, "mkdocs"):
        get_navigation(files, config)
    assert "  - trust.md" in caplog.text
    assert "'nowhere.md'" in caplog.text


def test_whatever_is_broken_ends_the_build(site):
    validation = site[0].validation
    levels = [*validation.nav.values(), *validation.links.values()]
    assert levels == [logging.WARNING] * 7


def test_the_command_line_names_every_command_and_option():
    page = command_line_page("1.2.3")
    sections = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    group = typer.main.get_command(app)
    commands = {}
    for name, command in group.commands.items():
        commands[f"mactfusion {name}"] = command
        for inner, own in getattr(command, "commands", {}).items():
            commands[f"mactfusion {name} {inner}"] = own
    assert {"mactfusion study make", "mactfusion study score"} < set(commands)
    assert list(sections) == list(commands)
    for name, command in commands.items():
        section = sections[name]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                assert (parameter.metavar or parameter.name.upper()) in section
            else:
                assert all(f"`{word}`" in section for word in parameter.opts), parameter.name
    assert "version 1.2.3" in page
    assert "| `--register` |" in sections["mactfusion fuse"]
    assert "`legible`, `ycbcr` | `legible` |" in sections["mactfusion fuse"]


def test_the_configuration_names_every_option_and_key():
    page = configuration_page()
    for name, option in OPTIONS.items():
        assert f"| `{name}` |" in page
        assert " ".join(option.help.split()).replace("|", "\\|") in page
    for name in ("train.yaml", "evaluate.yaml", "inference.yaml"):
        keys = keys_of((ROOT / "monai_bundle" / "configs" / name).read_text(encoding="utf-8"))
        assert len(keys) > 5
        assert all(f"| `{key}` |" in page for key in keys), name
    own = page.split("## Keys of inference.yaml")[1].split("## Keys of")[0]
    assert {line.split("`")[1] for line in own.splitlines() if line.startswith("| `")} == (
        BY_THE_BUNDLE_ALONE
    )
    overlays = {path.name for path in (ROOT / "monai_bundle" / "configs").glob("*.yaml")}
    assert all(name in page for name in overlays)


def test_keys_have_their_defaults_and_remarks():
    text = (
        "a: 1\n# ---- what a user may choose; more\n"
        "b: 2 # two, of\n# above\nc: {d: 3,\n  e: 4}\nf: $@b\ng: null # 'x' #1\n"
        "i: # a file\n  _target_: x\nj: {_target_: x}\n# ---- the rest\nh: 5\n"
    )
    assert keys_of(text) == {
        "b": ("2", "two, of"),
        "c": ("{d: 3, e: 4}", "above"),
        "f": ("computed", ""),
        "g": ("null", "'x' #1"),
        "i": ("made", "a file"),
    }


@pytest.mark.parametrize(
    ("link", "page", "led"),
    [
        ("trust.md#before-and-after", "docs/colors.md", "trust.md#before-and-after"),
        ("../trust.md", "docs/adr/0001-one-recipe.md", "../trust.md"),
        ("../README.md#install", "docs/trust.md", "all_in_one.md#install"),
        ("docs/adr/0001-one-recipe.md", "README.md", "adr/0001-one-recipe.md"),
        ("../../docs/trust.md", "monai_bundle/docs/README.md", "trust.md"),
        ("CONTRIBUTING.md", "README.md", "contributing.md"),
        ("../Makefile", "docs/trust.md", f"{REPOSITORY}/blob/main/Makefile"),
        ("../training", "docs/trust.md", f"{REPOSITORY}/tree/main/training"),
        ("#here", "docs/trust.md", "#here"),
        ("https://doi.org/1", "docs/trust.md", "https://doi.org/1"),
        ("nowhere.md", "docs/trust.md", "nowhere.md"),
    ],
)
def test_links_lead_on_the_site_or_to_the_repository(link, page, led):
    assert led_on_site(link, page, REPOSITORY) == led


def test_commands_are_left_alone_and_say_why_no_test_runs_them():
    block = "```bash\necho '[a](../Makefile)'\n```\n"
    text = text_on_site(f"[b](../LICENSE)\n<!-- not run: installs -->\n{block}", "docs/a.md", "H")
    assert text == (
        f'[b](H/blob/main/LICENSE)\n\n<p class="not-run">No test runs this: it installs.</p>\n\n'
        f"{block}"
    )


def test_decisions_are_listed(site):
    config, files, _ = site
    page = type("Page", (), {"file": files.get_file_from_path("adr/README.md")})
    text = on_page_markdown("# Decisions\n", page, config)
    assert "[1. One configuration is the recipe](0001-one-recipe.md)" in text
    assert text.count(".md)") == len(list((ROOT / "docs" / "adr").glob("0*.md")))


@pytest.mark.parametrize(
    ("output", "is_fetched"),
    [
        ('<script src="https://host/x.js"></script>', True),
        ('<link rel="stylesheet" href="//host/x.css">', True),
        ('<img alt="" src="http://host/x.png">', True),
        ('<a href="https://host">x</a><img src="x.png"><script src="x.js"></script>', False),
        ('<link rel="canonical" href="http://127.0.0.1:8080/index.html">', False),
    ],
)
def test_a_page_that_fetches_from_elsewhere_is_refused(output, is_fetched):
    page = type("Page", (), {"file": type("File", (), {"src_uri": "a.md"})})
    if is_fetched:
        with pytest.raises(PluginError, match=r"a\.md fetches"):
            on_post_page(output, page)
    else:
        on_post_page(output, page)


def test_names_in_docstrings_become_links():
    module = griffe.Module("rooms")
    module.set_member("door", griffe.Function("door", parent=module))
    assert linked("See :func:`door`.", module) == (
        'See <autoref identifier="rooms.door" optional><code>door</code></autoref>.'
    )
    assert 'identifier="torch.nn.Module" optional><code>Module</code>' in linked(
        ":class:`~torch.nn.Module`", module
    )
