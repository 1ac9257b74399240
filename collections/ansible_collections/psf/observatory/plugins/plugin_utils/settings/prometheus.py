# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Prometheus: jobs from the services of the estate, targets by file_sd, so that a new host needs no reload."""

from __future__ import annotations

from . import common
from .common import Settings

TARGETS = "/etc/prometheus/targets"
RULES = "/etc/prometheus/rules"
# Where the module prometheus_rules keeps the bundle that is in use: its rules, and the pages that are served below /user/.
CONTENT = "/etc/prometheus/content/current"
# The label of alerts that other regions' Alertmanagers are told too (docs/bundle.md), and how long one of those may take. Short, because
# Prometheus before 3.10 sends the next batch only when every Alertmanager has answered this one or was given up.
TOLD_ELSEWHERE = "told_elsewhere"
PEER_TIMEOUT = "5s"
PASSWORD_FILE = "/etc/prometheus/secrets/machine_password"  # noqa: S105 (a path)


def build(options: Settings) -> Settings:
    """prometheus.yml.

    options: region, replica, scrape_interval, evaluation_interval, external_labels, tls, machine_user, jobs (id to
    {auth, path, honor_labels, drop}), alertmanagers, peer_alertmanagers and blackbox (endpoints), peer_probes (bool), trace_ratio,
    agent_port, remote_write, scrape_configs.
    """
    settings: Settings = {
        "global": {
            "scrape_interval": options["scrape_interval"],
            "evaluation_interval": options["evaluation_interval"],
            "external_labels": {"region": options["region"], "replica": options["replica"], **options["external_labels"]},
        },
        "rule_files": [f"{RULES}/*.yml", f"{CONTENT}/rules/*.yml"],
        "scrape_configs": [_job(name, job, options) for name, job in options["jobs"].items()],
    }
    if options["blackbox"]:
        settings["scrape_configs"].append(_probe_job("probe", options))
        if options["peer_probes"]:
            settings["scrape_configs"].append(_probe_job("peer_probe", options))
    settings["scrape_configs"] += options["scrape_configs"]
    sections = [_alertmanagers(rows, options) for rows in _by_scheme(options["alertmanagers"])]
    sections += [_alertmanagers(rows, options) | {
        "timeout": PEER_TIMEOUT,
        "alert_relabel_configs": [{"source_labels": [TOLD_ELSEWHERE], "regex": "true", "action": "keep"}],
    } for rows in _by_scheme(options["peer_alertmanagers"])]
    if sections:
        settings["alerting"] = {"alertmanagers": sections}
    if options["trace_ratio"]:
        tracing: Settings = {"endpoint": f"127.0.0.1:{options['agent_port']}", "client_type": "grpc",
                             "sampling_fraction": options["trace_ratio"]}
        tracing |= {"tls_config": common.client_tls()} if options["tls"] else {"insecure": True}
        settings["tracing"] = tracing
    if options["remote_write"]:
        settings["remote_write"] = options["remote_write"]
    return settings


def _client(options: Settings, auth: str) -> Settings:
    """How Prometheus as a client proves who it is: its host's certificate, and its name where people log in too."""
    client: Settings = {"tls_config": common.client_tls()} if options["tls"] else {}
    if auth == "basic":
        client["basic_auth"] = {"username": options["machine_user"], "password_file": PASSWORD_FILE}
    return client


def _job(name: str, job: Settings, options: Settings) -> Settings:
    settings: Settings = {"job_name": name, "scheme": "https" if options["tls"] else "http", "metrics_path": job["path"]}
    if job.get("honor_labels"):
        settings["honor_labels"] = True
    settings |= _client(options, job["auth"]) | {"file_sd_configs": [{"files": [f"{TARGETS}/{name}.json"]}]}
    if job.get("drop"):
        settings["metric_relabel_configs"] = [{"source_labels": ["__name__"], "regex": job["drop"], "action": "drop"}]
    return settings


def _by_scheme(rows: list[Settings]) -> list[list[Settings]]:
    """Endpoints that can stand in one section: those of one scheme, in the order of the schemes."""
    return [[row for row in rows if row["scheme"] == scheme] for scheme in sorted({row["scheme"] for row in rows}, reverse=True)]


def _alertmanagers(rows: list[Settings], options: Settings) -> Settings:
    return {"scheme": rows[0]["scheme"], **_client(options, "basic"), "static_configs": [{"targets": [row["target"] for row in rows]}]}


def _probe_job(name: str, options: Settings) -> Settings:
    return {
        "job_name": name, "scheme": options["blackbox"][0]["scheme"], "metrics_path": "/probe",
        **_client(options, "certificate"),
        "file_sd_configs": [{"files": [f"{TARGETS}/{name}.json"]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["module"], "target_label": "__param_module"},
            {"target_label": "__address__", "replacement": options["blackbox"][0]["target"]},
        ]}
