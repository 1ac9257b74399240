# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between objects of a cluster, which the expectation language cannot say: pure.

Readings are of the probe kubernetes, or of `several` with it as `cluster`. `exempt` are patterns of namespaces that are not looked at.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect
from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import verdict

SAFE = ("baseline", "restricted")
READS = ("get", "list", "watch", "*")


def objects(data, name):
    rows = data[name]["objects"]
    if not isinstance(rows, list):
        raise TypeError("%s has no objects" % name)
    return rows


def exempt(namespace, names):
    return any(fnmatchcase(namespace, pattern) for pattern in names["exempt"])


def namespaces(data, names):
    return [row for row in objects(data, "namespaces") if not exempt(row["name"], names)]


def label(row):
    return "%s/%s" % (row["namespace"], row["name"]) if row.get("namespace") else row["name"]


def default_deny(readings, names):
    """Every namespace has a policy for all of its pods that lets nothing in, and one that lets nothing out."""
    def look(data):
        closed = {}
        for row in objects(data, "policies"):
            if row.get("selector") == {}:
                for kind in row.get("types") or ["Ingress"]:
                    if not row.get(kind.lower()):
                        closed.setdefault(row["namespace"], set()).add(kind)
        own = namespaces(data, names)
        return len(own), ["%s: no policy denies %s" % (row["name"], " and ".join(sorted(missing)).lower()) for row in own
                          for missing in [{"Ingress", "Egress"} - closed.get(row["name"], set())] if missing]
    return verdict.of(readings, "every namespace denies traffic in and out by default", look)


def rbac(readings, names):
    """No wildcards outside the allowed roles, secrets read by few roles, and no pod with the token of its default account."""
    def look(data):
        wrong, roles = [], [row for row in objects(data, "clusterroles") + objects(data, "roles")
                            if not row["name"].startswith("system:") and row["name"] not in names["allowed"]]
        for row in roles:
            rules = [rule for rule in row.get("rules") or [] if rule.get("resources")]
            if any("*" in rule["verbs"] or "*" in rule["resources"] for rule in rules):
                wrong.append("%s: wildcard" % label(row))
            elif label(row) not in names["secret_readers"] and any(
                    "secrets" in rule["resources"] and set(READS) & set(rule["verbs"]) and not rule.get("resourceNames") for rule in rules):
                wrong.append("%s: reads all secrets" % label(row))
        quiet = {row["namespace"] for row in objects(data, "accounts") if row["name"] == "default" and row.get("automount") is False}
        pods = [row for row in objects(data, "pods") if not exempt(row["namespace"], names)]
        for row in pods:
            mounts = row.get("automount", row["namespace"] not in quiet)
            if row.get("account", "default") == "default" and mounts:
                wrong.append("%s: has the token of the default account" % label(row))
        return len(roles) + len(pods), wrong
    return verdict.of(readings, "no wildcard rules, few readers of secrets, no token of a default account", look)


def pod_security(readings, names):
    """Every namespace enforces a profile, and no pod goes beyond it whatever its namespace says."""
    def look(data):
        own = namespaces(data, names)
        wrong = ["%s: enforces %s" % (row["name"], row.get("enforce") or "nothing") for row in own if row.get("enforce") not in SAFE]
        pods = [row for row in objects(data, "pods") if not exempt(row["namespace"], names) and label(row) not in names["allowed"]]
        for row in pods:
            found = [word for word in ("hostNetwork", "hostPID", "hostIPC") if row.get(word)]
            found += ["privileged"] if True in [*row.get("privileged", []), *row.get("init_privileged", [])] else []
            found += ["hostPath"] if row.get("host_paths") else []
            if found:
                wrong.append("%s: %s" % (label(row), ", ".join(found)))
        return len(own) + len(pods), wrong
    return verdict.of(readings, "every namespace enforces baseline or restricted, and no pod is privileged or uses the host", look)


def workloads(readings, names):
    """Enough replicas, a disruption budget that allows one, spread over nodes, and a readiness probe in each container."""
    def look(data):
        budgets = objects(data, "budgets")
        rows = [row for row in objects(data, "deployments") + objects(data, "statefulsets")
                if not exempt(row["namespace"], names) and row.get("replicas", 1) != 0]
        wrong = []
        for row in rows:
            found = []
            if row.get("replicas", 1) < names["replicas"]:
                found.append("%d replicas" % row.get("replicas", 1))
            mine = [one for one in budgets if one["namespace"] == row["namespace"] and one.get("selector")
                    and set(one["selector"].items()) <= set((row.get("labels") or {}).items())]
            if not any(one.get("allowed", 0) >= 1 for one in mine):
                found.append("a disruption budget that allows none" if mine else "no disruption budget")
            if not row.get("spread") and not row.get("anti_affinity"):
                found.append("no spread over nodes")
            bare = [one["name"] for one in row["containers"] if not one.get("readinessProbe")]
            if bare:
                found.append("no readiness probe in %s" % ", ".join(bare))
            if found:
                wrong.append("%s: %s" % (label(row), ", ".join(found)))
        return len(rows), wrong
    return verdict.of(readings, "%d replicas, a budget, spread and readiness for every workload" % names["replicas"], look)


def resources(readings, names):
    """Requests and limits of every container, a quota and defaults for every namespace, and requests that are used."""
    def look(data):
        cluster = data["cluster"][0]
        pods = [row for row in objects(cluster, "pods") if not exempt(row["namespace"], names)]
        wrong = []
        for row in pods:
            for one in row["containers"]:
                given = one.get("resources") or {}
                missing = ["request of %s" % kind for kind in ("cpu", "memory") if kind not in (given.get("requests") or {})]
                missing += [] if "memory" in (given.get("limits") or {}) else ["limit of memory"]
                if missing:
                    wrong.append("%s: %s: no %s" % (label(row), one["name"], ", ".join(missing)))
        own = namespaces(cluster, names)
        for kind, words in (("quotas", "no quota"), ("ranges", "no default limits")):
            have = {row["namespace"] for row in objects(cluster, kind)}
            wrong += ["%s: %s" % (row["name"], words) for row in own if row["name"] not in have]
        used = [one["value"] for row in data["efficiency"] for one in row["series"]]
        if not used:
            raise expect.Unreadable("Prometheus has no use and requests of CPU")
        wrong += ["%.0f %% of the requested CPU is used" % (value * 100) for value in used if value < names["efficiency"]]
        return len(pods) + len(own) + len(used), wrong
    return verdict.of(readings, "requests, limits and quotas everywhere, and at least %d %% of requested CPU used" % (
        names["efficiency"] * 100), look)


def images_verified(readings, names):
    """At least one policy verifies images and enforces it, and none only audits."""
    def look(data):
        rows = [row for row in objects(data, "policies") if row.get("verify")]
        wrong = []
        for row in rows:
            actions = row.get("actions") or [row.get("action") or "Audit"]
            if any(str(action).lower() != "enforce" for action in actions):
                wrong.append("%s: %s" % (row["name"], ", ".join(sorted(map(str, actions)))))
        return max(len(rows), 1), wrong if rows else ["no policy verifies images"]
    return verdict.of(readings, "a policy verifies images, and every such policy enforces", look)


def vulnerabilities(readings, names):
    """No vulnerability that has a fix is known for longer than its severity allows."""
    def look(data):
        rows, wrong = objects(data, "reports"), []
        for row in rows:
            for one in row["vulnerabilities"]:
                if names["limits"].get(one["severity"].lower()) is None or not one.get("fixedVersion"):
                    continue
                # Without a date of publication, it is known since this report at least.
                since = one["publishedDate"] if one.get("publishedDate") is not None else row["age"]
                if since > names["limits"][one["severity"].lower()] * 86400:
                    wrong.append("%s: %s, %s, for %d days" % (label(row), one["vulnerabilityID"], one["severity"].lower(), since // 86400))
        return len(rows), wrong
    return verdict.of(readings, "no vulnerability with a fix is older than %s days" % ", ".join(
        "%s %s" % (kind, days) for kind, days in sorted(names["limits"].items())), look)


def mesh(readings, names):
    """Every namespace of the mesh denies by default, or the root namespace does for all; what leaves must be declared."""
    def look(data):
        empty = {row["namespace"] for row in objects(data, "policies") if row.get("spec") in ({}, None)}
        explicit = {row["namespace"] for row in objects(data, "policies") if row.get("action", "ALLOW") == "ALLOW" and row.get("rules")}
        own = [row for row in namespaces(data, names) if row.get("injection") == "enabled" or row.get("ambient") == "ambient"]
        wrong = [] if names["root"] in empty else [
            "%s: nothing denies by default" % row["name"] for row in own if row["name"] not in empty | explicit]
        configs = objects(data, "config")
        if not configs or not isinstance(configs[0].get("mesh"), str):
            raise expect.Unreadable("the mesh has no configuration in %s" % names["root"])
        if "REGISTRY_ONLY" not in configs[0]["mesh"]:
            wrong.append("traffic to hosts that nobody declared may leave the mesh")
        return len(own) + 1, wrong
    return verdict.of(readings, "deny by default in every namespace of the mesh, and declared egress only", look)


def orphans(readings, names):
    """No volume, claim or load balancer that nothing uses for longer than is allowed."""
    def look(data):
        old = names["age"]
        volumes, claims, services = objects(data, "volumes"), objects(data, "claims"), objects(data, "services")
        used = {(row["namespace"], claim) for row in objects(data, "pods") for claim in row.get("claims") or []}
        wrong = ["volume %s: released" % row["name"] for row in volumes if row.get("phase") == "Released" and row["age"] > old]
        wrong += ["claim %s: no pod" % label(row) for row in claims if (row["namespace"], row["name"]) not in used and row["age"] > old]
        backed = {(row["namespace"], row.get("service")) for row in objects(data, "slices") if row.get("endpoints")}
        wrong += ["load balancer %s: no endpoint" % label(row) for row in services
                  if row.get("type") == "LoadBalancer" and (row["namespace"], row["name"]) not in backed and row["age"] > old]
        return max(len(volumes) + len(claims) + len(services), 1), wrong
    return verdict.of(readings, "nothing is unused for more than %d days" % (names["age"] // 86400), look)
