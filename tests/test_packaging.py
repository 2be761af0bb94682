"""Do the files that say what to install agree, and is nothing secret in what is installed?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import autograder
from autograder.doctor import PYTHONS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = ROOT / "requirements.lock"
CONDA_NAMES = {"torch": "pytorch"}


def requirements(*extras: str) -> list[Requirement]:
    optional = PROJECT["optional-dependencies"]
    texts = PROJECT["dependencies"] + [text for extra in extras for text in optional[extra]]
    return [Requirement(text) for text in texts]


def lock_lines() -> list[str]:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def locked() -> dict[str, str]:
    pairs = [line.split("==") for line in lock_lines()]
    return {canonicalize_name(name): version for name, version in pairs}


def test_conda_installs_the_same_ranges() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [text for text in environment["dependencies"] if isinstance(text, str)]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    ranges = {r.name: r.specifier for r in map(Requirement, [text for text in conda if text != "python=3.11"])}
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge"]
    assert pip == ["-e ."]
    assert ranges.pop("pip") == ""
    assert ranges == {CONDA_NAMES.get(r.name, r.name): r.specifier for r in requirements()}


@pytest.mark.parametrize("requirement", requirements(*PROJECT["optional-dependencies"]), ids=str)
def test_the_lock_satisfies_every_range(requirement: Requirement) -> None:
    assert locked()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_lock_names_exact_versions_and_nothing_else() -> None:
    """No address, no path, no build of torch that only one machine has."""
    wrong = [line for line in lock_lines() if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert not wrong
    assert len(locked()) == len(lock_lines())
    assert locked()["torch"] == "2.13.0"


def test_the_lock_installs_on_the_first_release_of_every_python() -> None:
    """Debian 12 has 3.11.2. A wheel's own bounds are read where it is installed."""
    locked = [Requirement(line).name for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    found = {}
    for name in locked:
        try:
            found[name] = metadata.metadata(name).get("Requires-Python")
        except metadata.PackageNotFoundError:
            continue  # another platform's
    refusing = [name for name, bounds in found.items() if bounds and not SpecifierSet(bounds).contains("3.11.0")]
    assert len(found) > 100
    assert refusing == []


def test_the_license_is_bsd() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "BSD-3-Clause"
    assert text.startswith("BSD 3-Clause License")
    assert "Winning Ticket authors" in text


def test_version_and_pythons_are_told_alike_everywhere() -> None:
    pythons = Requirement(f"python{PROJECT['requires-python']}").specifier
    allowed = [f"3.{minor}" for minor in range(9, 20) if f"3.{minor}" in pythons]
    assert allowed == list(PYTHONS)
    assert autograder.__version__ == PROJECT["version"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist", "wheel")
    return folder


def build(tree: Path, folder: Path, *targets: str) -> None:
    wanted = [word for target in targets for word in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", *wanted, "-d", str(folder)]
    result = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def names_in_wheel(folder: Path) -> set[str]:
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return {name for name in wheel.namelist() if not name.endswith("/")}


def files_under(folder: str) -> set[str]:
    """What belongs to the repository in a folder, as git tells."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


@pytest.mark.slow
def test_the_wheel_holds_the_engine_the_course_and_the_student_edition(built: Path) -> None:
    names = names_in_wheel(built)
    installed = {name for name in names if ".dist-info/" not in name}
    labs = {f"course/_{name}" for name in files_under("labs")}
    assert any(name.endswith("/lab.md") for name in installed)
    assert any("/exercises/" in name for name in installed)
    assert any(name.startswith("course/common/") for name in installed)
    assert any(name.endswith(".ipynb") for name in labs)
    assert installed == files_under("autograder") | files_under("course") | labs
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_source_distribution_holds_no_answers_and_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    tree = next(tmp_path.iterdir())
    folders = {path.name for path in tree.iterdir() if path.is_dir()}
    assert folders == {"autograder", "course", "labs"}
    build(tree, tmp_path / "again", "wheel")
    assert names_in_wheel(tmp_path / "again") == names_in_wheel(built)


@pytest.mark.slow
def test_an_editable_install_exposes_the_course_and_no_answers(tmp_path: Path) -> None:
    """Python is started elsewhere, as by a notebook: there, only what is installed can be imported."""
    direct = metadata.distribution("winning-ticket").read_text("direct_url.json") or ""
    if '"editable": true' not in direct:
        pytest.skip("this is no editable install")
    code = (
        "import importlib.util as util\n"
        "specs = {name: util.find_spec(name) for name in ('autograder', 'course', 'solutions', 'tests', 'work')}\n"
        "print(*(f'{name}={bool(spec and spec.origin)}' for name, spec in specs.items() if spec))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["autograder=True", "course=True"]
