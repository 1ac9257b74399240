# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control as data: its schema, its parameters and who it applies to. Pure; whoever read the YAML calls `control`.

A control, as checked and completed:
  id, title, severity, domain, rationale, owner, mode (automated | manual), max_age ("24h")
  applies_to   {"groups": [inventory groups], "per": "host" | "region", "machine": bool}; all hosts without groups. `machine` is of
               what the kernel below has for all: it does not apply to a host that is a container
  check        {"probe", "with": {arguments}, "expect": [expectations] | "judge": name, "only": which readings are meant (as `where` in
               expect.py), "subject": type of the subject, where each reading is one} or, of a manual one, {"attest": what a
               person looks at}
  params       name to {"type", "default", "description", "choices", "unit", "min", "max"}
  frameworks   gdpr, iso27001, nist80053, soc2, cis: lists of identifiers; empty says that none fits
  remediation  {"text", "disruptive": bool, and what playbooks/remediate.yml may do, no more: "files": rows as of the module remediation,
               "role": a role of the collection, "services": services whose roles own the setting (["all"]: all that the host runs),
               "wait": how long it takes until what was put right shows}
In arguments and expectations, "$name" is the parameter of that name and "$context.name" what the inventory knows (assess.py).
"""

from __future__ import annotations

import re

SEVERITIES = ("critical", "high", "medium", "low", "info")
MODES = ("automated", "manual")
SCOPES = ("host", "region")
FRAMEWORKS = ("gdpr", "iso27001", "nist80053", "soc2", "cis")
# The letters of an id to its domain.
DOMAINS = {
    "AUD": "audit-and-logging", "BCK": "backup-and-recovery", "CHG": "change-and-governance", "CRY": "encryption-at-rest",
    "FIN": "cost", "HST": "host-hardening", "IAM": "identity-and-access", "NET": "network-and-isolation",
    "PRV": "retention-and-privacy", "REL": "reliability", "SUP": "supply-chain", "TLS": "encryption-in-transit",
}
ID = re.compile(r"^([A-Z]{3})-\d{2}\Z")
NAME = re.compile(r"^[a-z][a-z0-9_]*\Z")
REFERENCE = re.compile(r"^\$([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\Z")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGTPE]?)(i?)B?\Z", re.IGNORECASE)
KEYS = {
    "id": str, "title": str, "severity": str, "domain": str, "rationale": str, "applies_to": dict, "mode": str, "check": dict,
    "params": dict, "max_age": str, "frameworks": dict, "remediation": dict, "owner": str,
}
REQUIRED = ("id", "title", "severity", "domain", "rationale", "check", "frameworks", "owner")
PARAM_TYPES = ("str", "int", "float", "bool", "list", "dict", "duration", "size")
PARAM_KEYS = ("type", "default", "description", "choices", "unit", "min", "max")
REMEDIATION = {"role": str, "services": list, "text": str, "disruptive": bool, "files": list, "wait": str}
REMEDY_FILES = ("paths", "components", "trees", "directories", "owner", "mode")
REMEDY_WHERE = ("paths", "components", "trees")


class ControlError(Exception):
    """A control, parameter or selection that cannot be right: where (file and key), what, and what would be right."""


# -- units -------------------------------------------------------------------------------------------------------------
def seconds(text):
    """`15d`, `744h0m0s`, `1h30m`, `0` as seconds; ValueError for anything else."""
    text = str(text).strip()
    if re.match(r"^\d+(\.\d+)?\Z", text):
        return float(text)
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("%r is not a duration (like 24h, 15d, 1h30m)" % text)
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def size(text):
    """`50GB`, `512MiB`, `1048576` as bytes, powers of 1024 as Prometheus counts; ValueError for anything else."""
    found = SIZE.match(str(text).strip())
    if not found:
        raise ValueError("%r is not a size (like 50GB, 512MiB)" % (text,))
    return int(float(found.group(1)) * 1024 ** " KMGTPE".index(found.group(2).upper() or " "))


# -- one control -------------------------------------------------------------------------------------------------------
def control(data, where, probes, judges, vocabulary):
    """The control, checked and with its defaults. `where` is the file's path, whose name is the id.

    probes: name to {"arguments": {name: required}}; judges: names; vocabulary: function that refuses an expectation.
    """
    if not isinstance(data, dict):
        raise ControlError("%s: not a mapping" % where)
    for key in data:
        if key not in KEYS:
            raise ControlError("%s: %s: unknown; known are %s" % (where, key, ", ".join(KEYS)))
    for key in REQUIRED:
        if data.get(key) in (None, "", {}) and key != "frameworks":
            raise ControlError("%s: %s: missing" % (where, key))
    for key, kind in KEYS.items():
        if key in data and not isinstance(data[key], kind):
            raise ControlError("%s: %s: %r is no %s" % (where, key, data[key], kind.__name__))
    name = ID.match(data["id"])
    if not name or name.group(1) not in DOMAINS:
        raise ControlError("%s: id: %r is not like TLS-05; known letters are %s" % (where, data["id"], ", ".join(DOMAINS)))
    stem = where.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if stem != data["id"]:
        raise ControlError("%s: id: %r, but the file is named %r" % (where, data["id"], stem))
    result = {"rationale": "", "mode": "automated", "max_age": "24h"}
    result.update(data)
    _choice(where, "severity", result["severity"], SEVERITIES)
    _choice(where, "mode", result["mode"], MODES)
    if result["domain"] != DOMAINS[name.group(1)]:
        raise ControlError("%s: domain: %r; an id with %s is of %s" % (where, result["domain"], name.group(1), DOMAINS[name.group(1)]))
    try:
        seconds(result["max_age"])
    except ValueError as error:
        raise ControlError("%s: max_age: %s" % (where, error)) from error
    result["applies_to"] = _applies(where, data.get("applies_to") or {})
    result["params"] = {key: _param(where, key, row) for key, row in (data.get("params") or {}).items()}
    result["frameworks"] = _frameworks(where, data.get("frameworks") or {})
    result["remediation"] = _remediation(where, data.get("remediation") or {})
    result["check"] = _check(where, result, probes, judges, vocabulary)
    return result


def _choice(where, key, value, choices):
    if value not in choices:
        raise ControlError("%s: %s: %r is not one of %s" % (where, key, value, ", ".join(choices)))


def _texts(where, key, value):
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ControlError("%s: %s: %r is no list of texts" % (where, key, value))
    return value


def _applies(where, data):
    for key in data:
        if key not in ("groups", "per", "machine"):
            raise ControlError("%s: applies_to.%s: unknown; known are groups, per, machine" % (where, key))
    _choice(where, "applies_to.per", data.get("per", "host"), SCOPES)
    _choice(where, "applies_to.machine", data.get("machine", False), (True, False))
    return {"groups": _texts(where, "applies_to.groups", data.get("groups") or ["all"]), "per": data.get("per", "host"),
            "machine": data.get("machine", False)}


def _frameworks(where, data):
    for key, value in data.items():
        _choice(where, "frameworks", key, FRAMEWORKS)
        _texts(where, "frameworks.%s" % key, value)
    missing = [key for key in FRAMEWORKS if key not in data]
    if missing:
        raise ControlError("%s: frameworks.%s: missing; [] says that nothing there fits" % (where, missing[0]))
    return data


def _remediation(where, data):
    for key, value in data.items():
        _choice(where, "remediation", key, tuple(REMEDIATION))
        if not isinstance(value, REMEDIATION[key]):
            raise ControlError("%s: remediation.%s: %r is no %s" % (where, key, value, REMEDIATION[key].__name__))
    for index, row in enumerate(data.get("files") or []):
        if not isinstance(row, dict) or set(row) - set(REMEDY_FILES) or sum(key in row for key in REMEDY_WHERE) != 1:
            raise ControlError("%s: remediation.files[%d]: needs one of %s, and of owner and mode what shall be"
                               % (where, index, ", ".join(REMEDY_WHERE)))
    _texts(where, "remediation.services", data.get("services") or [])
    if "wait" in data:
        try:
            seconds(data["wait"])
        except ValueError as error:
            raise ControlError("%s: remediation.wait: %s" % (where, error)) from error
    return data


def _param(where, name, row):
    key = "params.%s" % name
    if not NAME.match(name) or name == "context":
        raise ControlError("%s: %s: not a name (a-z, 0-9, _; context is taken)" % (where, key))
    if not isinstance(row, dict) or "default" not in row or not row.get("description") or row.get("type") not in PARAM_TYPES:
        raise ControlError("%s: %s: needs type (%s), default and description" % (where, key, ", ".join(PARAM_TYPES)))
    for word in row:
        if word not in PARAM_KEYS:
            raise ControlError("%s: %s.%s: unknown; known are %s" % (where, key, word, ", ".join(PARAM_KEYS)))
    value(row["default"], row, "%s: %s.default" % (where, key))
    return row


def _check(where, result, probes, judges, vocabulary):
    check = result["check"]
    if result["mode"] == "manual":
        if list(check) != ["attest"] or not isinstance(check["attest"], str):
            raise ControlError("%s: check: a manual control has only `attest`, what a person looks at" % where)
        return check
    for key in check:
        _choice(where, "check", key, ("probe", "with", "only", "subject", "judge", "expect"))
    _choice(where, "check.probe", check.get("probe"), tuple(sorted(probes)))
    given = check.get("with") or {}
    _arguments(where, check["probe"], given, probes[check["probe"]])
    if check["probe"] == "several":
        _reads(where, given["reads"], probes)
    if ("judge" in check) == ("expect" in check):
        raise ControlError("%s: check: needs either expect or judge" % where)
    if "judge" in check:
        _choice(where, "check.judge", check["judge"], tuple(sorted(judges)))
    elif not isinstance(check["expect"], list) or not check["expect"]:
        raise ControlError("%s: check.expect: a list of at least one expectation" % where)
    try:
        vocabulary({"that": "", "where": check.get("only") or {}, "present": True})
    except ValueError as error:
        raise ControlError("%s: check.only: %s" % (where, error)) from error
    for index, row in enumerate(check.get("expect") or []):
        try:
            vocabulary(row)
        except ValueError as error:
            raise ControlError("%s: check.expect[%d]: %s" % (where, index, error)) from error
    _names(where, result["params"], dict(check, **{"with": given}))
    return dict(check, **{"with": given})


def _arguments(where, probe, given, known):
    for key in given:
        if key not in known:
            raise ControlError("%s: check.with.%s: the probe %s has no such argument; it has %s"
                               % (where, key, probe, ", ".join(sorted(known)) or "none"))
    for key, needed in known.items():
        if needed and key not in given:
            raise ControlError("%s: check.with.%s: missing; the probe %s needs it" % (where, key, probe))


def _reads(where, reads, probes):
    """The probes within the probe `several`."""
    if not isinstance(reads, dict) or not reads or not all(isinstance(row, dict) for row in reads.values()):
        raise ControlError("%s: check.with.reads: needs a mapping of name to probe and with" % where)
    for name, row in reads.items():
        _choice(where, "check.with.reads.%s.probe" % name, row.get("probe"), tuple(sorted(set(probes) - {"several"})))
        _arguments("%s: reads.%s" % (where, name), row["probe"], row.get("with") or {}, probes[row["probe"]])


def _names(where, params, check):
    """Every $name is known, and every parameter used (a judge takes them all)."""
    used = references([check["with"], check.get("expect") or [], check.get("only") or {}])
    for name in used:
        if name.split(".")[0] not in params and not name.startswith("context."):
            raise ControlError("%s: check: $%s: no such parameter; known are %s, and $context"
                               % (where, name, ", ".join(params) or "none"))
    unused = set(params) - {name.split(".")[0] for name in used}
    if unused and "judge" not in check:
        raise ControlError("%s: params.%s: not used by the check" % (where, min(unused)))


def references(value):
    """Every name that is referred to as $name."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [name for item in value for name in references(item)]
    found = REFERENCE.match(value) if isinstance(value, str) else None
    return [found.group(1)] if found else []


# -- parameters --------------------------------------------------------------------------------------------------------
def value(given, spec, where):
    """A parameter's value, held to its type; `where` names it in an error. Numbers may come as text, as from a template."""
    kind = spec["type"]
    try:
        result = _typed(given, kind)
    except (TypeError, ValueError) as error:
        detail = str(error) if kind in ("duration", "size") else "%r is no %s" % (given, kind)
        raise ControlError("%s: %s" % (where, detail)) from error
    if spec.get("choices") and result not in spec["choices"]:
        raise ControlError("%s: %r is not one of %s" % (where, given, ", ".join(map(str, spec["choices"]))))
    number = comparable(result, kind) if kind in ("int", "float", "duration", "size") else None
    for bound, wrong in (("min", lambda left, right: left < right), ("max", lambda left, right: left > right)):
        if number is not None and bound in spec and wrong(number, comparable(spec[bound], kind)):
            raise ControlError("%s: %s is %s than the %s, %s" % (
                where, given, "less" if bound == "min" else "more", "least" if bound == "min" else "most", spec[bound]))
    return result


def _typed(given, kind):  # noqa: PLR0911 (one for each type)
    if kind == "str" and isinstance(given, str):
        return str(given)
    if kind == "bool" and (isinstance(given, bool) or given in ("true", "false")):
        return given if isinstance(given, bool) else given == "true"
    if kind in ("int", "float") and not isinstance(given, bool):
        number = float(given)
        if kind == "float":
            return number
        if number == int(number):
            return int(number)
    if kind == "list" and isinstance(given, list):
        return list(given)
    if kind == "dict" and isinstance(given, dict):
        return dict(given)
    if kind in ("duration", "size") and isinstance(given, (str, int)) and not isinstance(given, bool):
        comparable(given, kind)
        return str(given)
    raise TypeError


def comparable(given, kind):
    """What an expectation compares with: a duration in seconds, a size in bytes, all else as it is."""
    return seconds(given) if kind == "duration" else size(given) if kind == "size" else given


def parameters(row, overrides, where):
    """(name to effective value, names of those that were overridden) of a control; an unknown name is refused."""
    if not isinstance(overrides, dict):
        raise ControlError("%s: %r is no mapping of parameter to value" % (where, overrides))
    for name in overrides:
        if name not in row["params"]:
            raise ControlError("%s.%s: %s has no such parameter; it has %s"
                               % (where, name, row["id"], ", ".join(row["params"]) or "none"))
    effective = {name: value(overrides.get(name, spec["default"]), spec, "%s.%s" % (where, name))
                 for name, spec in row["params"].items()}
    return effective, sorted(overrides)
