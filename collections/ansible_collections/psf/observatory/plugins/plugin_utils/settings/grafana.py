# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Grafana: grafana.ini, and the files with its secrets, which it reads itself ($__file{...}).

Names and meaning: conf/defaults.ini of the release; the role's check_settings.py holds the file to that on the host.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from ..estate import join
from . import common
from .common import Settings, SettingsError

SECRETS = "/etc/grafana/secrets"
DATA = "/var/lib/grafana"
PROVISIONING = "/etc/grafana/provisioning"
# How often it looks for a renewed certificate.
WATCH = "1m"

DATABASE = {"type": "postgres", "host": None, "port": 5432, "name": "grafana", "user": "grafana", "ssl_mode": "verify-full",
            "ca": common.CA}
OIDC = {"url": None, "client_id": "grafana", "name": "Keycloak", "scopes": "openid email profile", "ca": common.CA, "role": (
    "contains(resource_access.grafana.roles[*], 'admin') && 'Admin' || contains(resource_access.grafana.roles[*], 'editor') && 'Editor' "
    "|| 'Viewer'"), "auto_login": False, "allow_sign_up": True}
SMTP = {"host": None, "port": 587, "user": "", "from_address": None, "from_name": "Grafana", "starttls": "MandatoryStartTLS"}
STARTTLS = ("MandatoryStartTLS", "OpportunisticStartTLS", "NoStartTLS")


def secrets(options: Settings) -> Settings:
    """The files with secrets, path to content. options: as for build, and the secrets themselves."""
    wanted = {"admin_password": options["admin_password"], "secret_key": options["secret_key"]}
    if options["machine_password"]:
        wanted["metrics_password"] = options["machine_password"]
    for name, part in (("database_password", "database"), ("oidc_client_secret", "oidc"), ("smtp_password", "smtp")):
        if options[part] and options[name]:
            wanted[name] = options[name]
    for name in ("admin_password", "secret_key"):
        if not wanted[name]:
            raise SettingsError(f"grafana_{name}: it is empty; give it a secret, from a vault"
                                + (", the same on all instances and for ever: what it encrypted cannot be read with another"
                                   if name == "secret_key" else ""))
    return {f"{SECRETS}/{name}": str(value) for name, value in wanted.items()}


def build(options: Settings) -> str:
    """grafana.ini.

    options: host, listen_address, port, cluster_port, external_url, tls, instances (endpoints of the region's Grafanas), admin_user,
    admin_password, secret_key, machine_user, machine_password, database, database_password, oidc, oidc_client_secret, smtp,
    smtp_password, default_role, trace_address, trace_insecure, trace_ca, trace_ratio, settings (section to key to value; they replace
    ours).
    """
    database = _whole("grafana_database", options["database"], DATABASE)
    own = [row["host"] for row in options["instances"]]
    if len(own) > 1 and not database:
        raise SettingsError(f"grafana_database: {', '.join(own)} are Grafanas of one region and need one PostgreSQL that they share; with "
                            "SQLite each would have dashboards, users and sessions of its own")
    settings: dict[str, Settings] = {
        "paths": {"data": DATA, "logs": f"{DATA}/log", "plugins": f"{DATA}/plugins", "provisioning": PROVISIONING},
        "server": _server(options),
        "database": _database(database, options),
        "security": {
            "admin_user": options["admin_user"], "admin_password": _secret("admin_password"), "secret_key": _secret("secret_key"),
            "disable_gravatar": True, "cookie_secure": options["tls"], "cookie_samesite": "lax",
            "strict_transport_security": options["tls"], "content_security_policy": True},
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "snapshots": {"external_enabled": False},
        "news": {"news_feed_enabled": False},
        # Plug-ins come with the release; it would fetch more of them by itself when it starts.
        "plugins": {"preinstall_disabled": True},
        "users": {"allow_sign_up": False, "allow_org_create": False, "auto_assign_org_role": options["default_role"]},
        "auth.anonymous": {"enabled": False},
        "log": {"mode": "console", "level": "info"},
        "log.console": {"format": "json"},
        "metrics": _metrics(options),
    }
    for name, part in (("auth.generic_oauth", _oidc(options)), ("smtp", _smtp(options)), ("unified_alerting", _cluster(options, own))):
        if part:
            settings[name] = part
    settings |= _tracing(options)
    for section, rows in options["settings"].items():
        if not isinstance(rows, dict):
            raise SettingsError(f"grafana_settings.{section}: {rows!r} is not a mapping of key to value")
        settings[section] = {**settings.get(section, {}), **rows}
    return _ini(settings)


def environment(options: Settings) -> Settings:
    """Variables of the unit: the files by which its exporter of traces speaks TLS. grafana.ini has no settings for them."""
    if not (options["trace_ratio"] and options["trace_address"].startswith("https://") and options["trace_ca"]):
        return {}
    return {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": options["trace_ca"], "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": common.CERT,
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": common.KEY}


def _tracing(options: Settings) -> dict[str, Settings]:
    """Where its own traces go. A URL is OTLP over HTTP, in a section that still bears the name of what it was before; host:port is gRPC,
    whose exporter is told neither an authority nor a certificate."""
    address = options["trace_address"]
    if not (options["trace_ratio"] and address):
        return {}
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.scheme not in ("", "http", "https") or not parts.hostname or (not parts.scheme and not parts.port):
        raise SettingsError(f"grafana_trace_address: {address!r} is neither a URL (like https://127.0.0.1:4318/v1/traces) nor host:port")
    if parts.scheme == "http" and not options["trace_insecure"]:
        raise SettingsError(f"grafana_trace_address: {address!r} is plain text; take https, or say grafana_trace_insecure: true")
    found: dict[str, Settings] = {
        "tracing.opentelemetry": {"sampler_type": "probabilistic", "sampler_param": options["trace_ratio"],
                                  "custom_attributes": f"system:grafana,service.instance.id:{options['host']}"}}
    if parts.scheme:
        found["tracing.opentelemetry.jaeger"] = {"address": address, "propagation": "w3c"}
    else:
        found["tracing.opentelemetry.otlp"] = {"address": address, "propagation": "w3c", "insecure": options["trace_insecure"]}
    return found


def _whole(option: str, given: Settings, defaults: Settings) -> Settings:
    """An option that is a mapping, with its defaults; empty when it is not given. What has no default is needed."""
    if not given:
        return {}
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise SettingsError(f"{option}: unknown {', '.join(unknown)}; there are {', '.join(defaults)}")
    whole = {**defaults, **given}
    for key, value in whole.items():
        if value is None:
            raise SettingsError(f"{option}.{key}: it is needed")
    return whole


def _secret(name: str) -> str:
    return f"$__file{{{SECRETS}/{name}}}"


def _server(options: Settings) -> Settings:
    parts = urlsplit(options["external_url"])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"grafana_external_url: {options['external_url']!r} is not a URL (like https://grafana.example)")
    server: Settings = {
        "protocol": "https" if options["tls"] else "http", "http_addr": options["listen_address"], "http_port": options["port"],
        "domain": parts.hostname, "root_url": options["external_url"].rstrip("/") + "/",
        "serve_from_sub_path": bool(parts.path.strip("/")), "enable_gzip": True}
    if options["tls"]:
        server |= {"cert_file": common.CERT, "cert_key": common.KEY, "certs_watch_interval": WATCH}
    return server


def _database(database: Settings, options: Settings) -> Settings:
    if not database:
        # Readers do not wait for the writer.
        return {"type": "sqlite3", "path": "grafana.db", "wal": True}
    if database["type"] != "postgres":
        raise SettingsError(f"grafana_database.type: {database['type']!r} is not postgres; leave the option out for SQLite")
    found: Settings = {"type": "postgres", "host": join(str(database["host"]), int(database["port"])), "name": database["name"],
                       "user": database["user"], "ssl_mode": database["ssl_mode"]}
    if options["database_password"]:
        found["password"] = _secret("database_password")
    if database["ssl_mode"].startswith("verify"):
        found["ca_cert_path"] = database["ca"]
    return found


def _metrics(options: Settings) -> Settings:
    found: Settings = {"enabled": True}
    if options["machine_password"]:
        found |= {"basic_auth_username": options["machine_user"], "basic_auth_password": _secret("metrics_password")}
    return found


def _oidc(options: Settings) -> Settings:
    oidc = _whole("grafana_oidc", options["oidc"], OIDC)
    if not oidc:
        return {}
    base = f"{str(oidc['url']).rstrip('/')}/protocol/openid-connect"
    if not base.startswith(("https://", "http://")):
        raise SettingsError(f"grafana_oidc.url: {oidc['url']!r} is not the URL of a realm (like https://keycloak.example/realms/psf)")
    found: Settings = {
        "enabled": True, "name": oidc["name"], "client_id": oidc["client_id"], "scopes": oidc["scopes"],
        "auth_url": f"{base}/auth", "token_url": f"{base}/token", "api_url": f"{base}/userinfo", "use_pkce": True,
        "signout_redirect_url": f"{base}/logout?client_id={quote(str(oidc['client_id']))}"
                                f"&post_logout_redirect_uri={quote(options['external_url'].rstrip('/') + '/login', safe='')}",
        "login_attribute_path": "preferred_username", "email_attribute_path": "email", "name_attribute_path": "name",
        "role_attribute_path": oidc["role"], "role_attribute_strict": True, "allow_sign_up": bool(oidc["allow_sign_up"]),
        "auto_login": bool(oidc["auto_login"])}
    if options["oidc_client_secret"]:
        found["client_secret"] = _secret("oidc_client_secret")
    if base.startswith("https://") and oidc["ca"]:
        found["tls_client_ca"] = oidc["ca"]
    return found


def _smtp(options: Settings) -> Settings:
    smtp = _whole("grafana_smtp", options["smtp"], SMTP)
    if not smtp:
        return {}
    if smtp["starttls"] not in STARTTLS:
        raise SettingsError(f"grafana_smtp.starttls: {smtp['starttls']!r} is not one of {', '.join(STARTTLS)}")
    found: Settings = {"enabled": True, "host": join(str(smtp["host"]), int(smtp["port"])), "from_address": smtp["from_address"],
                       "from_name": smtp["from_name"], "startTLS_policy": smtp["starttls"]}
    if smtp["user"]:
        found["user"] = smtp["user"]
    if options["smtp_password"]:
        found["password"] = _secret("smtp_password")
    return found


def _cluster(options: Settings, own: list[str]) -> Settings:
    """Several instances tell each other which notifications of Grafana's own alerts went out."""
    if len(own) < 2:
        return {}
    here = next((row for row in options["instances"] if row["host"] == options["host"]), options["instances"][0])
    return {"ha_listen_address": join("0.0.0.0", options["cluster_port"]),  # noqa: S104 (its other instances reach it there)
            "ha_advertise_address": join(here["address"], options["cluster_port"]),
            "ha_peers": ",".join(join(row["address"], options["cluster_port"]) for row in options["instances"])}


def _ini(settings: dict[str, Settings]) -> str:
    """The file, sections and keys in a fixed order. A value that the format would read otherwise stands in three quotes."""
    lines = ["# Written by psf.observatory.component; local changes are undone by the next run."]
    for section in sorted(settings):
        lines += ["", f"[{section}]"] + [f"{key} = {_value(section, key, settings[section][key])}" for key in sorted(settings[section])]
    return "\n".join(lines) + "\n"


def _value(section: str, key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if any(mark in text for mark in ("\n", "\r", '"""')):
        raise SettingsError(f"grafana: [{section}] {key}: a value can have neither a line break nor three quotes")
    return f'"""{text}"""' if any(mark in text for mark in "#;`\"'\\") or text != text.strip() else text
