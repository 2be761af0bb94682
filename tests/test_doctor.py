"""Does the doctor see what is wrong, say what to do about it, and stay calm about the rest?"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder import doctor
from autograder.doctor import Finding, exit_status, findings

INSTALLED = {"torch": "2.13.0+cpu", "numpy": "2.4.6"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is installed, as far as the doctor can see; a test may change it."""
    versions = dict(INSTALLED)

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    return versions


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone's root with two requirements and their lock."""
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torch>=2.11,<3", "numpy>=2.0,<3"]\n')
    (tmp_path / "requirements.lock").write_text("# made by make lock\ntorch==2.13.0\nnumpy==2.4.6\n")
    return tmp_path


@pytest.fixture
def jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's only folder: data in share/, settings in etc/, with everything as it should be."""
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path.joinpath("share", *parts))])
    monkeypatch.setattr("jupyter_core.paths.jupyter_config_path", lambda: [str(tmp_path / "etc")])
    write(tmp_path / "share/kernels/python3/kernel.json", {"argv": ["python", "-m", "ipykernel_launcher"]})
    write(tmp_path / "share/labextensions/@jupyter/nbgrader/package.json", {})
    write(tmp_path / "etc/jupyter_server_config.d/nbgrader.json", server(dict.fromkeys(doctor.SERVER_PARTS, True)))
    return tmp_path


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def server(extensions: dict[str, bool]) -> dict[str, object]:
    return {"ServerApp": {"jpserver_extensions": extensions}}


def statuses(found: list[Finding]) -> dict[str, str]:
    """Statuses by name; advice must stand where one is needed, and nowhere else."""
    assert all(bool(finding.advice) == (finding.status != "ok") for finding in found)
    return {finding.name: finding.status for finding in found}


def status(finding: Finding) -> str:
    return statuses([finding])[finding.name]


@pytest.mark.parametrize(
    ("version", "expected"),
    [((3, 10, 14), "fail"), ((3, 11, 0), "ok"), ((3, 12, 1), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "fail")],
)
def test_python_must_be_in_range(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], expected: str) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert status(doctor.python_version()) == expected


def test_the_locked_versions_are_fine_whatever_the_build_of_torch(clone: Path, installed: dict[str, str]) -> None:
    assert statuses(list(doctor.packages(clone))) == {"packages": "ok", "locked versions": "ok"}


def test_another_version_in_range_is_a_warning(clone: Path, installed: dict[str, str]) -> None:
    installed["torch"] = "2.11.0+cu130"
    found = list(doctor.packages(clone))
    assert statuses(found) == {"packages": "ok", "locked versions": "warn"}
    assert "torch is 2.11.0+cu130" in found[1].detail


def test_a_missing_package_fails(clone: Path, installed: dict[str, str]) -> None:
    del installed["torch"]
    found = list(doctor.packages(clone))
    assert statuses(found) == {"packages": "fail", "locked versions": "warn"}
    assert "torch is missing" in found[0].detail


@pytest.mark.parametrize("version", ["2.10.0", "3.0.0"])
def test_a_version_outside_the_range_fails(clone: Path, installed: dict[str, str], version: str) -> None:
    installed["torch"] = version
    assert statuses(list(doctor.packages(clone)))["packages"] == "fail"


def test_without_a_clone_the_distributions_own_requirements_count(
    tmp_path: Path, installed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    required = ["numpy>=2.0", 'pytest>=8; extra == "dev"']
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    assert statuses(list(doctor.packages(None))) == {"packages": "ok"}
    assert statuses(list(doctor.packages(tmp_path))) == {"packages": "ok"}
    required.append("scipy")
    assert statuses(list(doctor.packages(None))) == {"packages": "fail"}


def test_a_course_that_is_not_installed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert statuses(list(doctor.packages(None))) == {"packages": "fail"}


def test_without_packaging_the_doctor_says_so(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert statuses(list(doctor.packages(clone))) == {"packages": "fail"}


def torch_with(monkeypatch: pytest.MonkeyPatch, cuda: str | None, cards: int, complaint: str = "") -> None:
    def is_available() -> bool:
        if complaint:
            warnings.warn(complaint, stacklevel=1)
        return cards > 0

    card = SimpleNamespace(name="Test GPU", total_memory=80 * 2**30)
    gpus = SimpleNamespace(
        is_available=is_available, device_count=lambda: cards, get_device_properties=lambda index: card
    )
    module = SimpleNamespace(__version__="2.13.0", version=SimpleNamespace(cuda=cuda), cuda=gpus)
    monkeypatch.setitem(sys.modules, "torch", module)


def test_gpus_are_named_with_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    torch_with(monkeypatch, cuda="13.0", cards=2)
    finding = doctor.torch_build()
    assert status(finding) == "ok"
    assert finding.detail.count("Test GPU with 80 GiB") == 2
    assert "CUDA 13.0 build" in finding.detail


@pytest.mark.parametrize(("cuda", "build"), [(None, "CPU build"), ("13.0", "CUDA 13.0 build")])
def test_no_gpu_is_no_reason_to_worry(monkeypatch: pytest.MonkeyPatch, cuda: str | None, build: str) -> None:
    torch_with(monkeypatch, cuda, cards=0)
    finding = doctor.torch_build()
    assert status(finding) == "ok"
    assert build in finding.detail


def test_a_gpu_that_cannot_be_used_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    torch_with(monkeypatch, "13.0", cards=0, complaint="The NVIDIA driver is too old")
    finding = doctor.torch_build()
    assert status(finding) == "warn"
    assert "too old" in finding.detail


def test_without_torch_the_doctor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert status(doctor.torch_build()) == "fail"


@pytest.mark.parametrize("command", ["python", "python3", sys.executable])
def test_a_kernel_that_runs_this_python_is_fine(jupyter: Path, command: str) -> None:
    write(jupyter / "share/kernels/python3/kernel.json", {"argv": [command]})
    assert status(doctor.kernel()) == "ok"


def test_a_missing_kernel_fails_with_the_command_that_installs_it(jupyter: Path) -> None:
    (jupyter / "share/kernels/python3/kernel.json").unlink()
    finding = doctor.kernel()
    assert status(finding) == "fail"
    assert "-m ipykernel install --sys-prefix" in finding.advice


@pytest.mark.parametrize("content", [{"argv": ["/nowhere/bin/python"]}, {"argv": []}, {}, [], "not a kernel"])
def test_a_kernel_that_starts_nothing_fails(jupyter: Path, content: object) -> None:
    write(jupyter / "share/kernels/python3/kernel.json", content)
    assert status(doctor.kernel()) == "fail"


def test_a_kernel_of_another_environment_is_a_warning(jupyter: Path) -> None:
    other = jupyter / "other/bin/python"
    other.parent.mkdir(parents=True)
    other.symlink_to(sys.executable)
    write(jupyter / "share/kernels/python3/kernel.json", {"argv": [str(other)]})
    assert status(doctor.kernel()) == "warn"


def test_nbgrader_is_switched_on(jupyter: Path) -> None:
    assert status(doctor.nbgrader_extensions()) == "ok"


def test_nbgraders_missing_part_for_the_browser_is_a_warning(jupyter: Path) -> None:
    (jupyter / "share/labextensions/@jupyter/nbgrader/package.json").unlink()
    assert status(doctor.nbgrader_extensions()) == "warn"


@pytest.mark.parametrize("part", doctor.SERVER_PARTS)
def test_a_part_that_the_server_leaves_out_is_a_warning(jupyter: Path, part: str) -> None:
    write(jupyter / "etc/jupyter_server_config.json", server({part: False}))
    finding = doctor.nbgrader_extensions()
    assert status(finding) == "warn"
    assert part in finding.advice


@pytest.mark.parametrize("disabled", [{"@jupyter/nbgrader:formgrader": True}, ["@jupyter/nbgrader"]])
def test_a_part_that_is_switched_off_in_the_browser_is_a_warning(jupyter: Path, disabled: object) -> None:
    write(jupyter / "etc/labconfig/page_config.json", {"disabledExtensions": disabled})
    assert status(doctor.nbgrader_extensions()) == "warn"


def test_another_extension_may_be_switched_off(jupyter: Path) -> None:
    disabled = {"@jupyter/nbgrader:formgrader": False, "@jupyterlab/apputils-extension:announcements": True}
    write(jupyter / "etc/labconfig/page_config.json", {"disabledExtensions": disabled})
    assert status(doctor.nbgrader_extensions()) == "ok"


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("shutil.which", lambda command: f"/usr/bin/{command}")


def test_bubblewrap_that_builds_a_wall_is_fine(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: subprocess.CompletedProcess(args, 0, "", ""))
    assert status(doctor.bubblewrap()) == "ok"


def test_bubblewrap_that_cannot_build_a_wall_is_a_warning(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "bwrap: No permissions to create new namespace"
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: subprocess.CompletedProcess(args, 1, "", said))
    finding = doctor.bubblewrap()
    assert status(finding) == "warn"
    assert "No permissions" in finding.detail


def test_missing_bubblewrap_is_a_warning_with_debians_command(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda command: None)
    finding = doctor.bubblewrap()
    assert status(finding) == "warn"
    assert "apt-get install bubblewrap" in finding.advice


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_the_wall_is_no_more_than_a_warning(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert status(doctor.bubblewrap()) == "warn"


@pytest.mark.parametrize(("path", "expected"), [("/usr/bin/git", "ok"), (None, "warn")])
def test_git_is_looked_for(monkeypatch: pytest.MonkeyPatch, path: str | None, expected: str) -> None:
    monkeypatch.setattr("shutil.which", lambda command: path)
    assert status(doctor.git()) == expected


@pytest.mark.parametrize(("gib", "expected"), [(1.9, "warn"), (2.1, "ok")])
def test_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gib: float, expected: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=gib * 2**30))
    assert status(doctor.free_space(tmp_path / "work")) == expected


def test_a_folder_to_be_made_is_writable_and_stays_unmade(tmp_path: Path) -> None:
    assert status(doctor.writable("work folder", tmp_path / "not/there/yet")) == "ok"
    assert not list(tmp_path.iterdir())


def test_a_file_in_a_folders_place_fails(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    assert status(doctor.writable("work folder", tmp_path / "work")) == "fail"


def test_a_read_only_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert status(doctor.writable("work folder", tmp_path)) == "fail"


def test_only_failures_count_in_the_exit_status() -> None:
    fine, doubtful, wrong = Finding("a", "ok", ""), Finding("b", "warn", "", "Do."), Finding("c", "fail", "", "Do.")
    assert exit_status([]) == exit_status([fine, doubtful]) == 0
    assert exit_status([fine, wrong]) == 1


def test_everything_is_looked_at(clone: Path, installed: dict[str, str], jupyter: Path) -> None:
    found = statuses(findings(clone))
    assert list(found) == [
        "Python",
        "packages",
        "locked versions",
        "torch",
        "Jupyter kernel",
        "nbgrader in JupyterLab",
        "bubblewrap",
        "git",
        "free space",
        "work folder",
        "record of attempts",
    ]


def test_the_work_folder_is_the_clones_or_else_here(
    clone: Path, installed: dict[str, str], jupyter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = clone / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(metadata, "requires", lambda name: [])
    folders = [next(f.detail for f in findings(root) if f.name == "work folder") for root in (clone, here, None)]
    assert folders == [str(clone / "work"), str(here / "work"), str(here / "work")]


def test_the_doctor_comes_without_what_it_looks_for() -> None:
    """In a bare Python, with only the standard library, it reports what is missing and fails."""
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from autograder.doctor import exit_status, findings\n"
        "sys.exit(0 if exit_status(findings(None)) == 1 else 'no failure was found')"
    )
    root = str(Path(doctor.__file__).parent.parent)
    bare = subprocess.run([sys.executable, "-I", "-S", "-c", code, root], capture_output=True, text=True, timeout=60)
    assert bare.returncode == 0, bare.stderr
