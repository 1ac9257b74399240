# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `component`: file contents as text, and the artifact when the host does not have it.

An unchanged component costs one round trip: the host is told every artifact id that would do. Only when it has none of
them is a source chosen, the payload brought into the cache and sent.
"""

from __future__ import annotations

import json
import os

import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import merge_hash
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ARCHITECTURES, ArtifactError, Request
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.sources import fetch, resolve, say_unavailable

display = Display()
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class ActionModule(ActionBase):
    # Not TRANSFERS_FILES: it would make and remove a directory on the host, two round trips, where nothing is sent.
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            arguments["files"] = [self._file(row) for row in arguments.get("files") or []]
            if arguments.get("secrets"):
                arguments["secrets"] = {path: text(path, content) for path, content in arguments["secrets"].items()}
            wanted = arguments.get("artifact")
            if not wanted or arguments.get("state") == "absent":
                return merge_hash(result, self._module(arguments, task_vars))
            optional = boolean(wanted.get("optional") or False)
            if optional and self._host(task_vars) in self._without(task_vars):
                return merge_hash(result, _skipped("no source of it can be reached"))
            facts = self._facts(task_vars)
            request = Request(wanted, facts["psf_architecture"], facts["psf_distribution"])
            arguments["resolved"] = {"server": request.server, "accept": request.candidates()}
            answer = self._module(arguments, task_vars)
            needs, other = answer.pop("needs_artifact", False), answer.pop("other_artifact", False)
            if needs:
                if request.arch not in ARCHITECTURES:
                    raise ArtifactError(f"{request.server}: this host's architecture {request.arch} is none of {', '.join(ARCHITECTURES)}")
                try:
                    chosen = resolve(request)
                except (ArtifactError, OSError) as error:
                    if not optional or other:
                        raise
                    say_unavailable(str(error), [self._host(task_vars)])
                    return merge_hash(result, {**_skipped(str(error)), **self._facts_without(task_vars, True)})
                answer = self._with_artifact(request, chosen, arguments, task_vars)
            if optional and not answer.get("failed"):
                answer = merge_hash(answer, self._facts_without(task_vars, False))
        except ArtifactError as error:
            raise AnsibleActionFail(str(error)) from error
        return merge_hash(result, answer)

    @staticmethod
    def _host(task_vars):
        return task_vars.get("inventory_hostname")

    def _without(self, task_vars):
        """The hosts that are known to do without this component."""
        return ((task_vars.get("ansible_facts") or {}).get("psf_unavailable") or {}).get(self._task.args.get("name")) or []

    def _facts_without(self, task_vars, without):
        """The fact that tells the filters whether this host does without the component."""
        known = dict((task_vars.get("ansible_facts") or {}).get("psf_unavailable") or {})
        known[self._task.args.get("name")] = [self._host(task_vars)] if without else []
        return {"ansible_facts": {"psf_unavailable": known}}

    def _module(self, arguments, task_vars):
        return self._execute_module(module_name="psf.observatory.component", module_args=arguments, task_vars=task_vars)

    def _facts(self, task_vars):
        """Architecture and distribution, from component_facts, else from the ordinary facts, else asked for now."""
        facts = task_vars.get("ansible_facts") or {}
        if "psf_architecture" in facts:
            return facts
        if facts.get("architecture") in MACHINES and "distribution" in facts:
            return {"psf_architecture": MACHINES[facts["architecture"]], "psf_distribution": "%s-%s" % (
                facts["distribution"].lower(), facts.get("distribution_major_version"))}
        answer = self._execute_module(module_name="psf.observatory.component_facts", module_args={}, task_vars=task_vars)
        if answer.get("failed"):
            raise AnsibleActionFail(answer.get("msg", "component_facts failed"), result=answer)
        return answer["ansible_facts"]

    def _with_artifact(self, request, chosen, arguments, task_vars):
        resolved = arguments["resolved"]
        resolved["chosen"] = {key: chosen[key] for key in ("source", "version", "id")}
        if chosen["source"] == "package":
            resolved["package"] = request.lock.package(request.distribution)
        elif not self._task.check_mode:
            path, digest = fetch(request, chosen, lambda text: display.display("artifact: " + text))
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "payload.tar.gz")
            self._transfer_file(str(path), remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
            resolved.update(payload=remote, payload_sha256=digest)
        try:
            return self._module(arguments, task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _file(self, row):
        """A file with its content as text: a mapping or a list becomes YAML (JSON for *.json), a string stays as it is."""
        if not isinstance(row, dict) or "content" not in row or "path" not in row:
            raise AnsibleActionFail("files: each entry is a mapping with path and content; got %r" % (row,))
        return dict(row, content=text(row["path"], row["content"]))


def _skipped(reason):
    return {"skipped": True, "changed": False, "skip_reason": reason, "msg": f"left out: {reason}"}


def text(path, content):
    """Content as text: a mapping or a list becomes YAML (JSON for *.json), a string stays as it is."""
    content = plain(content)
    if isinstance(content, str):
        return content
    if os.path.splitext(path)[1] == ".json":
        return json.dumps(content, indent=1, sort_keys=True) + "\n"
    return dump(content)


def plain(value):
    """The value without Ansible's own types, which carry tags that serializers do not know."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no anchors, no line folding, lists indented under their key, long texts as blocks."""

    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def _text(dumper, value):
    # Unicode's own line breaks are only safe when escaped, which double quotes do.
    style = '"' if any(c in value for c in "\x85\u2028\u2029") else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value):
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=True)
