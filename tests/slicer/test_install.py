"""Libraries in Slicer's own Python: installed by the real pip, from wheels that are made here."""

from __future__ import annotations

import subprocess
import sys
import types
import zipfile
from importlib import metadata

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib.worker import environment, install, lock, whole
from MACTFusionLib.worker.session import Session
from MACTFusionLib.worker.versions import versions_text
from waiting import until

NAME = "mactfusion_example"
HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from MACTFusionLib.worker import lock
with lock.only_one():
    print("held", flush=True)
    time.sleep(600)
"""


def wheel(folder, name, version):
    """Write a library of one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for path, text in files.items():
            file.writestr(path, text)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where this Slicer's Python has its libraries; pip installs into it."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    called = []

    def pip(arguments):
        called.append(arguments)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place)]
        done = subprocess.run(
            [*command, "--upgrade", *arguments], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr)

    monkeypatch.setattr(slicer.util, "pip_install", pip, raising=False)
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    yield types.SimpleNamespace(folder=place, called=called, pip=pip)
    for name in (NAME, "torch"):
        sys.modules.pop(name, None)


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "folder with wheels"
    folder.mkdir()
    wheel(folder, NAME, "1.5")
    wheel(folder, "torch", "2.5.1")
    return folder


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(f"# what is needed\n{NAME}>=1.2,<2  # 7 MB\n", "utf-8")
    return path


@pytest.fixture
def torch(place, wheels):
    """PyTorch is there already."""
    place.pip(["--no-index", "--find-links", str(wheels), "torch"])
    place.called.clear()


@pytest.fixture
def extension(place, wheels, monkeypatch):
    """Slicer's extension PyTorch, which installs by pip."""

    class PyTorchUtilsLogic:
        def installTorch(  # noqa: N802  the extension's
            self,
            askConfirmation=False,  # noqa: N803  the extension's
            forceComputationBackend=None,  # noqa: N803  the extension's
            torchVersionRequirement=None,  # noqa: N803  the extension's
            torchvisionVersionRequirement=None,  # noqa: N803  the extension's
        ):
            assert not askConfirmation  # once is enough
            place.pip(
                ["--no-index", "--find-links", str(wheels), f"torch{torchVersionRequirement}"]
            )

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)


def test_libraries_are_named_installed_and_there(place, wheels, torch, requirements):
    assert NAME in install.what_is_missing(requirements)
    libraries = install.missing(requirements)
    assert "7 MB" in install.question(libraries)
    assert "torch" not in install.question(libraries)
    assert install.install(libraries, str(wheels)) == ""
    assert install.missing(requirements) == []
    assert install.what_is_missing(requirements) == ""
    constraints = place.called[0][place.called[0].index("-c") + 1]
    assert constraints
    assert "torch==2.5.1" in install.pinned()


def test_torch_comes_with_the_first_apply_where_its_extension_is(
    place, wheels, extension, requirements
):
    assert install.obstacle() == ""
    assert "torch" in install.what_is_missing(requirements)
    libraries = install.missing(requirements)
    assert "torch>=2.4 (3000 MB)" in install.question(libraries)
    install.install(libraries, str(wheels))
    assert metadata.version("torch") == "2.5.1"
    assert install.what_is_missing(requirements) == ""


def test_without_the_extension_the_way_to_it_is_said(place, requirements):
    assert "install the extension PyTorch" in install.what_is_missing(requirements)
    with pytest.raises(install.InstallError, match="install the extension PyTorch"):
        install.install(install.missing(requirements))
    assert place.called == []


def test_an_old_torch_is_not_enough(place, wheels, requirements):
    wheel(wheels, "torch", "2.3")
    place.pip(["--no-index", "--find-links", str(wheels), "torch<2.4"])
    assert metadata.version("torch") == "2.3"
    assert not install.has_torch()


@pytest.mark.parametrize("harm", ["no list", "no module"])
def test_an_installation_that_was_interrupted_is_mended(harm, place, wheels, torch, requirements):
    install.install(install.required(requirements), str(wheels))
    info = place.folder / f"{NAME}-1.5.dist-info"
    if harm == "no list":  # pip writes it last
        for name in ("RECORD", "INSTALLER"):
            (info / name).unlink()
    else:
        (place.folder / NAME / "__init__.py").unlink()
    assert whole.is_damaged(f"{NAME}>=1.2")
    (library,) = install.missing(requirements)
    install.install([library], str(wheels))
    assert install.missing(requirements) == []
    assert (place.folder / NAME / "__init__.py").is_file()


def test_a_failure_is_said_and_the_next_try_succeeds(place, wheels, torch, requirements, tmp_path):
    libraries = install.missing(requirements)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(install.InstallError, match="press Apply to try again") as failure:
        install.install(libraries, str(empty))
    assert NAME in failure.value.details.replace("-", "_")
    install.install(libraries, str(wheels))
    assert install.missing(requirements) == []


def test_install_again_replaces_and_asks_for_a_restart_where_that_is_needed(
    place, wheels, torch, requirements
):
    libraries = install.required(requirements)
    assert install.install(libraries, str(wheels), is_again=True) == ""
    __import__(NAME)
    (place.folder / NAME / "__init__.py").write_text("raise RuntimeError")
    told = install.install(libraries, str(wheels), is_again=True)
    assert told == f"Restart Slicer: it was using what was replaced ({NAME})."
    assert "version" in (place.folder / NAME / "__init__.py").read_text()
    assert place.called[-2][3:5] == ["--force-reinstall", "--no-deps"]


def test_two_do_not_install_at_once(place, wheels, torch, requirements):
    module = str(environment.work_folder().parent)
    other = subprocess.Popen([sys.executable, "-c", HOLD, module], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(install.InstallError, match="Another Slicer is installing"):
            install.install(install.missing(requirements), str(wheels))
        assert place.called == []
    finally:
        other.kill()  # as an application that crashed
        other.wait()
        other.stdout.close()
    install.install(install.missing(requirements), str(wheels))
    assert install.missing(requirements) == []


def test_the_lock_is_let_go(place):
    def is_free():
        try:
            with lock.only_one():
                return True
        except lock.TakenError:
            return False

    with lock.only_one():
        assert not is_free()
    assert is_free()


def test_versions_are_those_that_are_installed_before_a_worker_runs(place, torch):
    session = Session()
    assert versions_text(session).startswith("MACTFusion ")
    assert "PyTorch 2.5.1" in versions_text(session)
    session.remote = "ssh gpu-server"
    assert versions_text(session) == "Press Check to see the versions."


def test_versions_are_those_of_the_worker(logic):
    ended = []
    logic.session.converse(logic.session.greet(), lambda *end: ended.append(end))
    until(lambda: ended, logic.pump)
    text = versions_text(logic.session)
    for part in ("MACTFusion", "PyTorch", "MONAI", "CUDA", "Python"):
        assert part in text
