# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and personal data out of what was read, before it leaves the host. Used for every text and datum of a result."""

from __future__ import annotations

import re

MASK = "***"
# What a key must be called for its value to be a secret; "key_file" and the like name a place, not a secret.
SECRET_KEY = re.compile(
    r"(?i)(^|[_.-])(pass(word|wd|phrase)?|secrets?|token|api_?key|private_?key|credentials?|authorization|cookie|hash)\Z")
SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|argon2\w*)\$[^\s:\"']{8,}"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?<=://)[^/\s:@\"']+:[^/\s@\"']+(?=@)"),
    re.compile(r"(?i)(?<=password=)[^\s&;\"']+|(?<=passwd=)[^\s&;\"']+|(?<=secret=)[^\s&;\"']+|(?<=token=)[^\s&;\"']+"),
)
# The part before the @ has at most 64 letters (RFC 5321); without the bound, a long word without an @ takes its length squared.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


def text(value):
    for pattern in SECRETS:
        value = pattern.sub(MASK, value)
    return EMAIL.sub(MASK, value)


def data(value):
    """A copy of any JSON with its secrets masked, by the name of the key or the look of the text."""
    if isinstance(value, dict):
        return {text(str(key)): MASK if SECRET_KEY.search(str(key)) and isinstance(item, str) and item else data(item)
                for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [data(item) for item in value]
    return text(value) if isinstance(value, str) else value
