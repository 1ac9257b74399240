# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of buckets in an object store by the S3 API: encryption, versioning, object lock, place.

Right: s3:GetEncryptionConfiguration, s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration and s3:GetBucketLocation on the buckets.
governance_systems, system `object_storage`: url, username (access key), password (secret key), region (of the signature, us-east-1).
One reading for each bucket: {"encryption": algorithm or "", "versioning": "Enabled" | "Suspended" | "", "lock": "GOVERNANCE" |
"COMPLIANCE" | "", "lock_days": number, "location": text}. What the store says is not there is "", a refusal is an error.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from urllib.parse import quote, urlsplit

from ansible_collections.psf.observatory.plugins.module_utils.governance import systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"buckets": True, "system": False}
# What the store answers, with 404, where nothing is configured.
ABSENT = ("ServerSideEncryptionConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")
EMPTY = hashlib.sha256(b"").hexdigest()


def read(world, buckets, system="object_storage"):
    row = systems.of(world, system, "url", "username", "password|password_file")
    return [reading(bucket, _bucket, world, row, bucket) for bucket in buckets]


def _bucket(world, row, bucket):
    encryption, lock = _ask(world, row, bucket, "encryption"), _ask(world, row, bucket, "object-lock")
    days = int(word(lock, "Days") or 0) + 365 * int(word(lock, "Years") or 0)
    return {"encryption": word(encryption, "SSEAlgorithm"), "versioning": word(_ask(world, row, bucket, "versioning"), "Status"),
            "lock": word(lock, "Mode") if word(lock, "ObjectLockEnabled") == "Enabled" else "", "lock_days": days,
            # An empty place is the store's first region, as S3 has had it from its beginning.
            "location": word(_ask(world, row, bucket, "location"), "LocationConstraint") or "us-east-1"}


def word(xml, name):
    """The text of the first element of that name, without a parser of XML: the answers are flat, and nothing in them is expanded."""
    found = re.search(r"<%s(?:\s[^>]*)?>([^<]*)</%s>" % (name, name), xml)
    return found.group(1).strip() if found else ""


def _ask(world, row, bucket, what):
    parts = urlsplit(row["url"])
    path = "%s/%s" % (parts.path.rstrip("/"), quote(bucket, safe=""))
    headers = sign(parts.netloc, path, what, row["username"], systems.secret(world, row, "password"), row.get("region") or "us-east-1",
                   time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    status, _headers, data = systems.send(world, row, "GET", "/%s?%s=" % (quote(bucket, safe=""), what), headers)
    xml = data.decode("utf-8", "replace")
    if status == 404 and word(xml, "Code") in ABSENT:
        return ""
    if status != 200:
        raise ReadError("%s %s: HTTP %d %s" % (bucket, what, status, word(xml, "Code") or " ".join(xml.split())[:120]))
    return xml


def sign(host, path, what, key, secret, region, moment):
    """Headers of an unsigned-body GET with the one query parameter `what`, AWS signature version 4."""
    names = "host;x-amz-content-sha256;x-amz-date"
    request = "\n".join(["GET", path, what + "=", "host:" + host, "x-amz-content-sha256:" + EMPTY, "x-amz-date:" + moment, "", names,
                         EMPTY])
    scope = "/".join([moment[:8], region, "s3", "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    signing = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), "sha256").digest()
    signature = hmac.new(signing, text.encode(), "sha256").hexdigest()
    return {"Host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": moment,
            "Authorization": "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s" % (key, scope, names, signature)}
