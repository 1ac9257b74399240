# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare every artifact that the hosts of this run need, on the controller, before any host is touched."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.psf.observatory.plugins.plugin_utils import artifacts, estate

display = Display()


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _valid, options = self.validate_argument_spec(argument_spec={
            "artifact": {"type": "dict", "default": {}},
            "servers": {"type": "list", "elements": "str"},
            "architectures": {"type": "list", "elements": "str", "default": []},
            "distribution": {"type": "str"},
            "mirror_directory": {"type": "path"},
        })
        try:
            return result | self._prepare(options, task_vars)
        except (artifacts.ArtifactError, estate.EstateError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error

    def _prepare(self, options, task_vars):
        requests, problems = [], []
        wanted = self._by_servers(options) if options["servers"] is not None or options["mirror_directory"] else \
            self._by_hosts(options, task_vars)
        for arguments, arch, distribution, where in wanted:
            try:
                requests.append(artifacts.Request(arguments, arch, distribution))
            except artifacts.ArtifactError as error:
                problems.append(f"{where}: {error}")
        chosen = {}
        for request in requests:
            key = (request.server, request.arch, request.distribution, request.source, request.mirror, request.version,
                   request.allow_unpinned, tuple(sorted(request.sha256.items())), request.cache)
            if key in chosen:
                continue
            try:
                chosen[key] = (request, artifacts.resolve(request))
            except (artifacts.ArtifactError, OSError) as error:
                problems.append(str(error))
        if problems:
            raise artifacts.ArtifactError("; ".join(dict.fromkeys(problems)))
        pairs, rows, missing = [], [], False
        for request, choice in chosen.values():
            row = {"server": request.server, "version": choice["version"], "architecture": request.arch,
                   "source": choice["via"], "cached": choice["source"] == "package"
                   or artifacts.payload_path(request, choice).is_file()}
            for reason in choice.get("passed_over", []):
                display.vv(f"artifact: {request.server}: passed over {reason}")
            rows.append(row)
            missing = missing or not row["cached"]
            pairs.append((request, choice))
            display.display(f"artifact: {row['server']} {row['version']} {row['architecture']} from {row['source']}"
                            + (", cached" if row["cached"] and row["source"] != "package" else ""))
        changed = missing
        if not self._task.check_mode:
            fetched = artifacts.fetch_all(pairs, lambda text: display.display(f"artifact: {text}"))
            if options["mirror_directory"]:
                changed = bool(self._mirror(options, pairs, fetched))
        return {"changed": changed, "artifacts": rows}

    def _mirror(self, options, pairs, _fetched):
        filled = [(request, choice, artifacts.payload_path(request, choice)) for request, choice in pairs]
        return artifacts.fill_mirror(options["mirror_directory"], filled, lambda text: display.display(f"artifact: {text}"))

    def _by_servers(self, options):
        """Named servers (all, when the list is empty): for a mirror, or to fill the cache ahead of time."""
        for name in options["servers"] or sorted(artifacts.locks()):
            for arch in options["architectures"] or ["amd64"]:
                arguments = {**options["artifact"], "server": name}
                if options["mirror_directory"] and not options["artifact"].get("source"):
                    arguments["source"] = _first_possible(arguments, ["release", "build"], arch)
                yield arguments, arch, options["distribution"], name

    def _by_hosts(self, options, task_vars):
        """What the hosts that component_facts has read are to run and do not have."""
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        for service in estate.services().values():
            if "artifact" not in service:
                continue
            named = f"{service['id']}_exporter" if "exporter" in service else service["role"]
            for host in estate.members(groups, service):
                facts = hostvars[host].get("ansible_facts") or {} if host in hostvars else {}
                if "psf_components" not in facts or hostvars[host].get(f"{service['role']}_state") == "absent":
                    continue
                own = hostvars[host].get(f"{named}_artifact") or {}
                arguments = {**options["artifact"], **own, "server": service["artifact"]}
                component = f"{service['id']}_exporter" if "exporter" in service else service["id"]
                stamp = facts["psf_components"].get(component) or {}
                try:
                    request = artifacts.Request(arguments, facts["psf_architecture"], facts["psf_distribution"])
                    accepted = {(row["source"], row["id"]) for row in request.candidates()}
                except artifacts.ArtifactError:
                    accepted = set()  # said with all others, where the request is made
                if (stamp.get("source"), stamp.get("id")) not in accepted:
                    yield arguments, facts["psf_architecture"], facts["psf_distribution"], f"{component} on {host}"


def _first_possible(arguments, sources, arch):
    """Of the sources that a mirror can hold, the first that can be reached."""
    for source in sources[:-1]:
        try:
            artifacts.resolve(artifacts.Request({**arguments, "source": source}, arch, None))
            return source
        except (artifacts.ArtifactError, OSError):
            continue
    return sources[-1]
