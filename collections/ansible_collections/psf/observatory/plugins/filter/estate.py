# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over the inventory and the settings of the services; thin wrappers around plugin_utils."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from ansible.errors import AnsibleFilterError
from ansible_collections.psf.observatory.plugins.module_utils import pki
from ansible_collections.psf.observatory.plugins.plugin_utils import estate, estate_document, grafana_told, inventory, observed
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import (
    alertmanager,
    common,
    grafana,
    jaeger,
    loki,
    otel_collector,
    prometheus,
)

SETTINGS = {
    "web": common.web,
    "prometheus": prometheus.build,
    "alertmanager": alertmanager.build,
    "alertmanager_route_tests": alertmanager.route_tests,
    "loki": loki.build,
    "loki_environment": loki.environment,
    "loki_secret_environment": loki.secret_environment,
    "grafana": grafana.build,
    "grafana_environment": grafana.environment,
    "grafana_secrets": grafana.secrets,
    "jaeger": jaeger.build,
    "jaeger_environment": jaeger.environment,
    "jaeger_htpasswd": jaeger.htpasswd,
    "otel_agent": otel_collector.agent,
    "otel_gateway": otel_collector.gateway,
}


def _said(function):
    """Turn the errors of the pure functions into Ansible's own."""
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (estate.EstateError, common.SettingsError) as error:
            raise AnsibleFilterError(str(error)) from error
    return wrapped


def settings(options, service):
    """The configuration of a service from the options of its role."""
    if service not in SETTINGS:
        raise AnsibleFilterError(f"settings: there is none for {service!r}; known are {', '.join(SETTINGS)}")
    return SETTINGS[service](dict(options))


def services(_value):
    """Every service that the collection and the site's roles describe, by id."""
    return estate.services()


def ports(hosts, host, service_id):
    """Every port of a service on a host, by name, with the host's overrides."""
    service = estate.described(service_id)
    return {name: estate.port(hosts[host], service, name) for name in service["ports"]}


def scrape_jobs(targets):
    """Job to {auth, path, honor_labels, drop}, for the jobs that have targets. drop, where it is: a regular expression of metrics."""
    known = estate.services()
    metrics = {name: known.get(name, {}).get("metrics", {}) for name in targets}
    return {name: {"auth": known[name]["auth"] if name in known else "certificate",
                   "path": metrics[name].get("path", "/metrics"),
                   "honor_labels": metrics[name].get("honor_labels", False),
                   **({"drop": metrics[name]["drop"]} if "drop" in metrics[name] else {})} for name in targets}


def local_client(options, path, timeout=60):
    """How a service is asked on its own host: options tls, listen_address, port, host, and username with password."""
    missing = [name for name in ("tls", "listen_address", "port", "host") if name not in options]
    if missing:
        raise AnsibleFilterError(f"local_client: the mapping has no {', '.join(missing)}")
    anywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)
    target = estate.join(anywhere.get(options["listen_address"], options["listen_address"]), int(options["port"]))
    client = {"url": f"{'https' if options['tls'] else 'http'}://{target}{path}", "timeout": timeout}
    if options["tls"]:
        client |= {"ca": common.CA, "cert": common.CERT, "key": common.KEY, "server_name": options["host"]}
    if options.get("password"):
        client |= {"username": options["username"], "password": options["password"]}
    return client


def target_file(row):
    """A job's targets as a file of Prometheus' file_sd, one target a line so that a diff names the hosts."""
    lines = ",\n".join(json.dumps(target, sort_keys=True) for target in row["content"])
    return {"path": f"{prometheus.TARGETS}/{row['job']}.json", "on_change": "none", "content": f"[\n{lines}\n]\n"}


def exporter_files(service, replaced, tls):
    """The configuration files of an exporter: its web configuration, and those of its data file or of the user."""
    directory = f"/etc/{service['id']}_exporter"
    contents = {**service["exporter"].get("files", {}), **replaced}
    files = [{"path": f"{directory}/web.yml", "on_change": "none", "content": common.web({"tls": tls})}]
    return files + [{"path": f"{directory}/{name}", "content": contents[name]} for name in sorted(contents)]


def in_groups(services_, groups):
    """Those services that at least one host of the inventory runs."""
    return [service for service in services_ if estate.members(groups, service)]


def traced(hosts, groups, host):
    """The names under which the services of the host's region trace themselves."""
    return [service["traces"] for service in estate.services().values()
            if service.get("traces") and estate.endpoints(hosts, groups, host, service["id"])]


def flat_targets(jobs):
    """Targets as {job, instance} rows, for the module verification."""
    return [{"job": job, "instance": row["labels"]["instance"]} for job, rows in jobs.items() for row in rows]


def verify_table(checks, region):
    """The rows of the verification as lines of text."""
    return [f"{region}  {'ok  ' if row['ok'] else 'FAIL'}  {row['check']:14} {row['detail']}" for row in checks]


def panels_table(result, region):
    """What the queries of the bundle found, as lines of text: counts by datasource, then each dead one."""
    lines = [f"{region}  {'FAIL' if row['empty'] + row['error'] else 'ok  '}  {source:11} {row['alive']} alive, "
             f"{row['excused']} empty with a reason, {row['empty']} empty, {row['error']} with an error"
             for source, row in sorted(result["counts"].items())]
    return lines + [f"{region}  dead  {row['id']}: {row['detail']}" for row in result["dead"]]


def where(hosts, groups):
    """What runs where, as a table: region, service, host, address of its main port, who may ask."""
    asked = {"basic": "log in", "certificate": "client certificate"}
    rows = [("REGION", "SERVICE", "HOST", "ADDRESS", "ACCESS")]
    for region, names in sorted(estate.regions(groups).items()):
        for service in estate.services().values():
            for row in estate.endpoints(hosts, groups, names[0], service["id"]) if names and "web" in service["ports"] else []:
                rows.append((region, service["id"], row["host"], row["url"], asked[row["auth"]]))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows) + "\n"


def certificate_due(facts, names, directory, renew_before, source, host):
    """Why the host needs a certificate, or an empty string; from what component_facts read and the authority's file."""
    authority = Path(directory) / "ca.crt"
    if not authority.is_file():
        return "the authority has no certificate yet" if source == "ca" else f"{authority} is missing"
    reason = pki.due(facts or None, names, hashlib.sha256(authority.read_bytes()).hexdigest(), renew_before)
    if not reason and source == "own":
        brought = Path(directory) / f"{host}.crt"
        if brought.is_file() and hashlib.sha256(brought.read_bytes()).hexdigest() != facts["sha256"]["certificate"]:
            return f"{brought} is another"
    return reason


class FilterModule:
    def filters(self):
        own = (certificate_due, exporter_files, flat_targets, in_groups, local_client, panels_table, ports, scrape_jobs, services,
               settings, target_file, traced, verify_table, where)
        table = {function.__name__: function for function in own} | {
            "endpoints": estate.endpoints, "estate_document": estate_document.document, "host_port": estate.join,
            "grafana_bringers": grafana_told.bringers, "grafana_datasources": grafana_told.datasources,
            "grafana_folders": grafana_told.folders, "grafana_placement": grafana_told.placement,
            "grafana_sync_metrics": grafana_told.sync_metrics,
            "inventory_problems": inventory.check, "peer_endpoints": estate.peers, "peer_probe_targets": observed.peer_probes,
            "probe_targets": observed.probes, "region": estate.region_of,
            "scrape_targets": observed.targets,
        }
        return {name: _said(function) for name, function in table.items()}
