# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a Kubernetes cluster by paged LIST calls, each object cut down to a few fields before the next page is read.

Right: `list` on the resources that a control names, no more; for secrets `list` is not needed, as only `metadata` is asked of them.
governance_systems, system `kubernetes`: `url`, `token` or `cert` and `key`, and `ca` are enough; with `kubeconfig` (a file on the host) the
Python package kubernetes logs in, which knows every kind of log-in that such a file can hold, and must be on the host.
`lists`: name to
  path       of the LIST, {namespace} in it is `namespace`
  keep       key to a path in the object (`*` goes through lists), or {"path", "as", "keys", "where"}: of a list of mappings only these
             `keys` and those for which `where` holds (expect.py), with the times in `ages` as seconds since then; `as` is flags (a
             command line as a mapping of its --flags), age (a time as seconds since then) or secrets (keys of a mapping, or names of a
             list, whose value looks like a secret; no value is kept); `default` where the object has nothing there
  where      of the objects cut down only those for which this holds
  selector, fields   label and field selector
  metadata   true: only the objects' metadata is asked for
  optional   true: a cluster that does not know the resource has none of them
One reading, named by the cluster: {name: {"count": number, "objects": [{"name", "namespace", key: what was kept}]}}.
"""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect, mask, systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.api import taken
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.system_api import age
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import BODY_LIMIT, ReadError, reading

ARGUMENTS = {"lists": True, "system": False}
PAGE, SMALLEST = 500, 25
OBJECTS = 50000
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Gone(Exception):
    """The continue token is too old: the list must begin anew."""


class TooLarge(Exception):
    """The page is larger than what is read at once."""


def read(world, lists, system="kubernetes"):
    row = systems.of(world, system, "url|kubeconfig")
    get = _client(world, row) if row.get("kubeconfig") else _plain(world, row)
    return [reading(row.get("name") or system, _all, get, lists)]


def _all(get, lists):
    return {name: _list(get, row) for name, row in lists.items()}


def _list(get, row):
    for _attempt in range(2):
        try:
            found = [one for one in _objects(get, row) if expect.chosen(one, row.get("where") or {})]
            return {"count": len(found), "objects": found}
        except Gone:
            continue
        except expect.Unreadable as error:
            raise ReadError("%s: %s" % (row["path"], error)) from error
    raise ReadError("%s: the list changed faster than it could be read" % row["path"])


def _objects(get, row):
    path = row["path"].replace("{namespace}", row.get("namespace") or "")
    query = {name: row[key] for name, key in (("labelSelector", "selector"), ("fieldSelector", "fields")) if row.get(key)}
    found, token, limit = [], "", PAGE
    while True:
        try:
            page = get(path, dict(query, limit=limit, **({"continue": token} if token else {})), METADATA if row.get("metadata") else None,
                       row.get("optional"))
        except TooLarge as error:
            if limit <= SMALLEST:
                raise ReadError("%s: %d objects are larger than %d bytes" % (path, limit, BODY_LIMIT)) from error
            limit //= 2
            continue
        if page is None:
            return found
        if not isinstance(page.get("items"), list):
            raise ReadError("%s: the answer is no list" % path)
        found += [project(item, row.get("keep") or {}) for item in page["items"]]
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return found
        if len(found) > OBJECTS:
            raise ReadError("%s: more than %d objects" % (path, OBJECTS))


# -- one object --------------------------------------------------------------------------------------------------------
def project(item, keep):
    meta = item.get("metadata") or {}
    found = {"name": meta.get("name", "")}
    if meta.get("namespace"):
        found["namespace"] = meta["namespace"]
    for key, given in keep.items():
        row = {"path": given} if isinstance(given, str) else given
        value = taken(item, row["path"])
        if value is not expect.MISSING:
            found[key] = _shaped(value, row)
        elif "default" in row:
            found[key] = row["default"]
        elif row.get("as") in ("flags", "secrets"):
            found[key] = {} if row["as"] == "flags" else []
    return found


def _shaped(value, row):
    if row.get("as"):
        return SHAPES[row["as"]](value)
    if isinstance(value, list) and (row.get("keys") or row.get("where")):
        value = [one for one in value if expect.chosen(one, row.get("where") or {})]
        if row.get("keys"):
            value = [{name: one[name] for name in row["keys"] if name in one} for one in value]
        for name in row.get("ages") or []:
            value = [dict(one, **{name: age(one[name])}) if one.get(name) else one for one in value]
    return value


def flags(words):
    """`--name=value` and `--name` as a mapping; of several lists of words, the last one with the flag counts."""
    found = {}
    for word in words if isinstance(words, list) else []:
        if isinstance(word, list):
            found.update(flags(word))
        elif isinstance(word, str) and word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            found[name] = value if equals else "true"
    return found


def secrets(value):
    """What looks like a secret: the name tells so and the value is literal, or the value has the form of one."""
    pairs = value.items() if isinstance(value, dict) else [
        (one.get("name"), one.get("value")) for part in value or [] for one in (part if isinstance(part, list) else [part])
        if isinstance(one, dict)]
    return sorted({str(name) for name, text in pairs if isinstance(text, str) and text.strip() and _secret(str(name), text)})


def _secret(name, text):
    if any(pattern.search(text) for pattern in mask.SECRETS):
        return True
    # A name with a path, a reference or a switch as its value says where the secret is, or how it is used.
    return bool(mask.SECRET_KEY.search(name)) and len(text) > 3 and "\n" not in text.strip() and \
        re.match(r"^(/|\$\(|\$\{|file:|true\Z|false\Z|\d{1,4}\Z)", text.strip()) is None


SHAPES = {"flags": flags, "secrets": secrets, "age": age}


# -- asking ------------------------------------------------------------------------------------------------------------
def _plain(world, row):
    """By HTTPS with a token or a certificate."""
    def get(path, query, accept, optional):
        target = path + "?" + systems.urlencode(query)
        headers = dict(systems.authorization(world, row), Accept=accept or "application/json")
        try:
            status, _headers, data = systems.send(world, row, "GET", target, headers)
        except ReadError as error:
            if "larger than" in str(error):
                raise TooLarge from error
            raise
        return _page(path, status, data, optional)
    return get


def _client(world, row):
    """By the package kubernetes, as the kubeconfig says. Only its log-in and its connections are used: its models would take several
    times the memory, and its methods differ between versions."""
    try:
        from kubernetes import config  # noqa: PLC0415 (only where it is needed)
    except ImportError as error:
        raise ReadError("the Python package kubernetes is not on this host; install it, or give url and token") from error
    try:
        api = config.new_client_from_config(config_file=row["kubeconfig"], context=row.get("context") or None)
    except (config.ConfigException, OSError) as error:
        raise ReadError("%s: %s" % (row["kubeconfig"], error)) from error
    host = api.configuration.host

    def get(path, query, accept, optional):
        headers = {one["key"]: one["value"] for one in api.configuration.auth_settings().values() if one["in"] == "header"}
        headers["accept"] = accept or "application/json"
        try:
            answer = api.rest_client.pool_manager.request("GET", "%s%s?%s" % (host, path, systems.urlencode(query)), headers=headers,
                                                          timeout=world.timeout, preload_content=False, retries=False)
            data = answer.read(BODY_LIMIT + 1)
            answer.release_conn()
        except Exception as error:  # whatever its transport raises: urllib3's errors are no OSError
            raise ReadError("%s%s: %s" % (host, path, error)) from error
        if len(data) > BODY_LIMIT:
            raise TooLarge
        return _page(path, answer.status, data, optional)
    return get


def _page(path, status, data, optional):
    if status == 410:
        raise Gone
    if status == 404 and optional:
        return None
    if status != 200:
        raise ReadError("%s: HTTP %s %s" % (path, status, " ".join(data[:400].decode("utf-8", "replace").split())[:200]))
    return systems.parse(path, data)
