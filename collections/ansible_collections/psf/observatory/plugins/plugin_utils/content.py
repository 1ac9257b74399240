# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of rendered content as the controller reads it, and the action that brings its rules to a host.

Format: docs/adr/0010-bundle.md. A file whose sha256 is not the manifest's is refused: nothing unproven leaves the controller.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import re
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

FORMAT = 1
# What each service gets: kind to the directory of the bundle that becomes the top of the service's own.
PARTS = {
    "prometheus_rules": {"prometheus_rules": "prometheus", "prometheus_tests": "prometheus", "page": ""},
    "loki_rules": {"loki_rules": "loki"},
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ContentError(Exception):
    """A bundle that cannot be deployed: file, what is wrong, what would be right."""


class Bundle:
    """A directory with manifest.json. `path` is on the controller."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        manifest = self.path / "manifest.json"
        try:
            data = json.loads(manifest.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ContentError(f"{manifest} is missing; `python -m dashboards render --estate FILE --out {self.path}` makes it") from error
        except ValueError as error:
            raise ContentError(f"{manifest}: not JSON: {error}") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ContentError(f"{manifest}: format is {data.get('format') if isinstance(data, dict) else data!r}, "
                               f"this version reads {FORMAT}")
        self.environment = data.get("environment")
        self.rows: list[dict[str, str]] = data.get("files") or []
        for row in self.rows:
            parts = PurePosixPath(str(row.get("path")))
            if parts.is_absolute() or ".." in parts.parts or not all(row.get(key) for key in ("path", "kind", "sha256")):
                raise ContentError(f"{manifest}: files: {row!r} needs a path inside the bundle, a kind and a sha256")

    def read(self, row: dict[str, str]) -> bytes:
        """A file's bytes, held to the manifest."""
        path = self.path / row["path"]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ContentError(f"{path}: {error.strerror}, but the manifest names it; render the bundle again") from error
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise ContentError(f"{path}: its sha256 is not the manifest's; render the bundle again")
        return data

    def of(self, *kinds: str) -> list[dict[str, str]]:
        return [row for row in self.rows if row["kind"] in kinds]

    def queries(self) -> list[dict[str, Any]]:
        return [query for row in self.of("queries") for query in json.loads(self.read(row))]


class Part:
    """What one service gets of a bundle: `files` (path on the host to sha256), and all that the host may ask for."""

    def __init__(self, bundle: Bundle, name: str):
        self.bundle = bundle
        self.rows = {}
        for row in bundle.of(*PARTS[name]):
            top = PARTS[name][row["kind"]]
            self.rows[str(PurePosixPath(row["path"]).relative_to(top))] = row
        self.files = {path: row["sha256"] for path, row in sorted(self.rows.items())}
        lines = "".join(f"{path}\0{digest}\n" for path, digest in self.files.items())
        self.digest = hashlib.sha256(lines.encode()).hexdigest()[:16]

    def short(self) -> dict[str, Any]:
        return {"digest": self.digest, "files": self.files}

    def whole(self, missing: list[str]) -> dict[str, Any]:
        """With the groups of rules as data, what each test reads, and the files with these checksums, packed."""
        groups: list[dict[str, Any]] = []
        suites: dict[str, dict[str, Any]] = {}
        data: dict[str, str] = {}
        for path, row in self.rows.items():
            content = self.bundle.read(row)
            if row["sha256"] in missing:
                data[row["sha256"]] = base64.b64encode(zlib.compress(content)).decode("ascii")
            if row["kind"].endswith("_rules"):
                groups += [{**group, "file": PurePosixPath(path).name} for group in self._parsed(row, content).get("groups") or []]
            elif row["kind"] == "prometheus_tests":
                suites[path] = self._parsed(row, content)
        return {**self.short(), "groups": groups, "tests": _tests(suites, groups), "data": data}

    def _parsed(self, row: dict[str, str], content: bytes) -> dict[str, Any]:
        try:
            parsed = yaml.load(content, Loader=LOADER)  # noqa: S506 (the safe loader, in C where there is one)
        except yaml.YAMLError as error:
            raise ContentError(f"{self.bundle.path / row['path']}: not YAML: {error}") from error
        if not isinstance(parsed, dict):
            raise ContentError(f"{self.bundle.path / row['path']}: not a mapping; a rule file has `groups`")
        return parsed


def _tests(suites: dict[str, dict[str, Any]], groups: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Path of a test file to the rule files that it `reads`, and its `items`: name, checksum, and the rules that it concerns.

    A test concerns the rules that it names, and those that these use. One that names none concerns all (an empty list).
    """
    found = {}
    for path, suite in suites.items():
        reads = [_joined(path, name) for name in suite.get("rule_files") or []]
        rules = {rule.get("alert") or rule.get("record"): _words(rule.get("expr")) for group in groups
                 if f"rules/{group['file']}" in reads for rule in group.get("rules") or []}
        # What is said once for all tests of the file is part of each.
        common = {key: value for key, value in suite.items() if key not in ("tests", "rule_files")}
        items = []
        for test in suite.get("tests") or []:
            text = json.dumps([common, test], sort_keys=True, default=str)
            due, named = set(), _words(text) & set(rules)
            while named:
                due |= named
                named = set().union(*(rules[name] for name in named)) & set(rules) - due
            items.append([str(test.get("name") or ""), hashlib.sha256(text.encode()).hexdigest()[:16], sorted(due)])
        found[path] = {"reads": reads, "items": items}
    return found


def _words(text: Any) -> set[str]:
    """Names of metrics and alerts in an expression or a text."""
    return set(re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*", str(text)))


def _joined(path: str, name: str) -> str:
    """A rule file as a test names it, relative to the test: tests/a.yml, ../rules/a.yml -> rules/a.yml."""
    parts: list[str] = []
    for part in [*PurePosixPath(path).parts[:-1], *PurePosixPath(name).parts]:
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return "/".join(parts)


class Deployed:
    """What the controller remembers of its deployments, in <bundle>.deployed/ beside the bundle: what each host got last, and whose tests
    passed where. It saves round trips and tests; what is wrong in it or missing costs one, never more. Beside a bundle on a medium that
    cannot be written, nothing is remembered."""

    def __init__(self, bundle: Path, part: str, host: str):
        self.directory = bundle.with_name(f"{bundle.name}.deployed")
        self.part = part
        self.path = self.directory / f"{part}-{hashlib.sha256(host.encode()).hexdigest()[:16]}.json"

    def lacking(self, part: Part) -> list[str] | None:
        """Checksums that the host did not get with the last deployment; None where nothing is known or nothing is new."""
        try:
            last = json.loads(self.path.read_text(encoding="utf-8"))
            known = set(last["files"].values())
            return None if last["digest"] == part.digest else sorted(set(part.files.values()) - known)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def note(self, part: Part) -> None:
        fresh = self.path.with_suffix(".new")
        with contextlib.suppress(OSError):
            self.directory.mkdir(mode=0o700, exist_ok=True)
            fresh.write_text(json.dumps(part.short()), encoding="utf-8")
            fresh.replace(self.path)

    @contextlib.contextmanager
    def proof(self, part: Part, tool: str):
        """A mapping with `proven`: whether `tool` passed the tests of this content on another host. If not, the others wait while this one
        tries, and `passed` set to true tells them."""
        found = {"proven": False, "passed": False}
        marker = self.directory / f"{self.part}-{hashlib.sha256(f'{part.digest} {tool}'.encode()).hexdigest()[:16]}.proven"
        try:
            if not tool:
                raise FileNotFoundError(tool)
            self.directory.mkdir(mode=0o700, exist_ok=True)
            lock = open(marker.with_suffix(".lock"), "w", encoding="ascii")  # noqa: SIM115 (closed below)
        except OSError:
            yield found
            return
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if marker.exists():
                fcntl.flock(lock, fcntl.LOCK_UN)
                yield {**found, "proven": True}
                return
            yield found
            if found["passed"]:
                marker.touch()


class RulesAction(ActionBase):
    """The controller's part: checksums first; the files only when the host lacks them, and only those. What a host got last is remembered,
    so that a change is one round trip."""

    part = ""
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            if arguments.get("state") == "absent":
                return merge_hash(result, self._module(arguments, task_vars))
            if not arguments.get("bundle"):
                raise AnsibleActionFail("bundle: the directory of the bundle on the controller is missing")
            part = Part(Bundle(arguments["bundle"]), self.part)
            memory = Deployed(part.bundle.path, self.part, str((task_vars or {}).get("inventory_hostname")))
            lacking = memory.lacking(part)
            answer = self._module({**arguments, "content": part.short() if lacking is None else part.whole(lacking)}, task_vars)
            if (missing := answer.pop("needs_content", None)) is not None:
                with memory.proof(part, answer.pop("tool", "")) as proof:
                    answer = self._module({**arguments, "content": {**part.whole(missing), "proven": proof["proven"]}}, task_vars)
                    proof["passed"] = not answer.get("failed")
            if not answer.get("failed") and not self._task.check_mode:
                memory.note(part)
        except ContentError as error:
            raise AnsibleActionFail(str(error)) from error
        return merge_hash(result, answer)

    def _module(self, arguments, task_vars):
        return self._execute_module(module_name=f"psf.observatory.{self.part}", module_args=arguments, task_vars=task_vars)
