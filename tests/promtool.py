"""promtool for the tests: the one on PATH, else that of Debian's package `prometheus`, unpacked into the cache and not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import yaml


def cache() -> Path:
    """The project's cache, as the Makefile sets it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("PSF_CACHE") or home / "psf-observatory")


@lru_cache(maxsize=1)
def promtool() -> str:
    """The path of promtool. Raises RuntimeError that says what is missing."""
    if found := shutil.which("promtool"):
        return found
    kept = cache() / "tools" / "promtool"
    if not kept.exists():
        _fetch(kept)
    return str(kept)


def _fetch(target: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise RuntimeError(
                f"promtool is not on PATH, and without {tool} it cannot be taken from Debian's package prometheus; install promtool"
            )
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)  # apt's own user reads it
        got = subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=place, capture_output=True, text=True, check=False)
        packages = list(Path(place).glob("prometheus_*.deb"))
        if got.returncode or not packages:
            raise RuntimeError(
                "promtool is not on PATH, and apt-get download prometheus failed (run apt-get update, or install promtool):\n"
                f"{got.stdout}{got.stderr}"
            )
        subprocess.run(["dpkg-deb", "-x", str(packages[0]), f"{place}/tree"], check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Moved into place whole: two runs at once both find all of it or nothing.
        part = target.with_name(f".promtool-{os.getpid()}")
        shutil.copy2(f"{place}/tree/usr/bin/promtool", part)
        part.replace(target)


def run(*arguments: str, cwd: Path | str) -> tuple[bool, str]:
    """Run promtool: whether it succeeded, and what it said."""
    done = subprocess.run([promtool(), *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def check_rules(text: str, place: Path) -> tuple[bool, str]:
    """`promtool check rules` of a rule file's text, in the directory `place`."""
    (place / "rules.yml").write_text(text, encoding="utf-8")
    return run("check", "rules", "rules.yml", cwd=place)


def test_rules(rules: str, tests: dict[str, object], place: Path) -> tuple[bool, str]:
    """`promtool test rules` of a rule file's text (written as rules.yml) and a test file's data, in the directory `place`."""
    (place / "rules.yml").write_text(rules, encoding="utf-8")
    (place / "tests.yml").write_text(yaml.dump(tests, sort_keys=False, width=10000), encoding="utf-8")
    return run("test", "rules", "tests.yml", cwd=place)


test_rules.__test__ = False  # type: ignore[attr-defined]  # a helper, not a test
