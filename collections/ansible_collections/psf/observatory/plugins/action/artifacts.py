# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare every artifact that the hosts of this run need, on the controller, before any host is touched."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import lock, mirror, sources

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
        except (lock.ArtifactError, estate.EstateError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error

    def _prepare(self, options, task_vars):
        requests, problems = [], []
        by_hosts = options["servers"] is None and not options["mirror_directory"]
        wanted = self._by_hosts(options, task_vars) if by_hosts else self._by_servers(options)
        for arguments, arch, distribution, where, optional in wanted:
            try:
                requests.append((lock.Request(arguments, arch, distribution), optional))
            except lock.ArtifactError as error:
                problems.append(f"{where}: {error}")
        chosen, unavailable = self._choose(requests, problems)
        if problems:
            raise lock.ArtifactError("; ".join(dict.fromkeys(problems)))
        pairs, rows, missing = [], [], False
        for request, choice in chosen.values():
            row = {"server": request.server, "version": choice["version"], "architecture": request.arch,
                   "source": choice["via"], "cached": choice["source"] == "package"
                   or lock.payload_path(request, choice).is_file()}
            for reason in choice.get("passed_over", []):
                display.vv(f"artifact: {request.server}: passed over {reason}")
            rows.append(row)
            missing = missing or not row["cached"]
            pairs.append((request, choice))
            display.display(f"artifact: {row['server']} {row['version']} {row['architecture']} from {row['source']}"
                            + (", cached" if row["cached"] and row["source"] != "package" else ""))
        for reasons in unavailable.values():
            for reason, hosts in reasons.items():
                sources.say_unavailable(reason, hosts)
        changed = missing
        if not self._task.check_mode:
            fetched = sources.fetch_all(pairs, lambda text: display.display(f"artifact: {text}"))
            if options["mirror_directory"]:
                changed = bool(self._mirror(options, pairs, fetched))
        result = {"changed": changed, "artifacts": rows,
                  "unavailable": {component: "; ".join(reasons) for component, reasons in unavailable.items()}}
        if by_hosts:
            result["ansible_facts"] = {"psf_unavailable": {
                component: [host for hosts in reasons.values() for host in hosts] for component, reasons in unavailable.items()}}
        return result

    @staticmethod
    def _choose(requests, problems):
        """A source for each request, each once: those that can be met, and component to reason to hosts of those done without."""
        chosen, refused, unavailable = {}, {}, {}
        for request, optional in requests:
            key = (request.server, request.arch, request.distribution, request.source, request.mirror, request.version,
                   request.allow_unpinned, tuple(sorted(request.sha256.items())), request.cache)
            if key not in chosen and key not in refused:
                try:
                    chosen[key] = (request, sources.resolve(request))
                except (lock.ArtifactError, OSError) as error:
                    refused[key] = str(error)
            if key in refused and optional:
                component, host = optional
                unavailable.setdefault(component, {}).setdefault(refused[key], []).extend([host] if host else [])
            elif key in refused:
                problems.append(refused[key])
        return chosen, unavailable

    def _mirror(self, options, pairs, _fetched):
        filled = [(request, choice, lock.payload_path(request, choice)) for request, choice in pairs]
        return mirror.fill(options["mirror_directory"], filled, lambda text: display.display(f"artifact: {text}"))

    def _by_servers(self, options):
        """Named servers (all, when the list is empty): for a mirror, or to fill the cache ahead of time.

        Who names a server for a mirror wants it there; otherwise one that is optional may be left out."""
        optional = {service["artifact"]: estate.component(service) for service in estate.services().values() if service.get("optional")}
        if options["servers"] and options["mirror_directory"]:
            optional = {}
        for name in options["servers"] or sorted(lock.locks()):
            for arch in options["architectures"] or ["amd64"]:
                arguments = {**options["artifact"], "server": name}
                if options["mirror_directory"] and not options["artifact"].get("source"):
                    arguments["source"] = _first_possible(arguments, lock.Lock(name).sources, arch)
                yield arguments, arch, options["distribution"], name, (optional[name], None) if name in optional else None

    def _by_hosts(self, options, task_vars):
        """What the hosts that component_facts has read are to run and do not have."""
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        for service in estate.services().values():
            if "artifact" not in service:
                continue
            component = estate.component(service)
            named = component if "exporter" in service else service["role"]
            for host in estate.members(groups, service):
                facts = hostvars[host].get("ansible_facts") or {} if host in hostvars else {}
                if "psf_components" not in facts or hostvars[host].get(f"{service['role']}_state") == "absent":
                    continue
                own = hostvars[host].get(f"{named}_artifact") or {}
                arguments = {**options["artifact"], **own, "server": service["artifact"]}
                stamp = facts["psf_components"].get(component) or {}
                try:
                    request = lock.Request(arguments, facts["psf_architecture"], facts["psf_distribution"])
                    accepted = {(row["source"], row["id"]) for row in request.candidates()}
                except lock.ArtifactError:
                    accepted = set()  # said with all others, where the request is made
                if (stamp.get("source"), stamp.get("id")) not in accepted:
                    # A host that has another version keeps being asked for; only one that has none may do without.
                    may_lack = service.get("optional") and not stamp and not boolean(
                        hostvars[host].get(f"{service['role']}_required") or False, strict=False)
                    yield (arguments, facts["psf_architecture"], facts["psf_distribution"], f"{component} on {host}",
                           (component, host) if may_lack else None)


def _first_possible(arguments, of_lock, arch):
    """Of the sources that a mirror can hold and the lock has, the first that can be reached."""
    names = [name for name in ("release", "build") if name in of_lock] or ["release"]
    for source in names[:-1]:
        try:
            sources.resolve(lock.Request({**arguments, "source": source}, arch, None))
            return source
        except (lock.ArtifactError, OSError):
            continue
    return names[-1]
