# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files over HTTP, held to their checksums; one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import time
import urllib.error

from ansible.module_utils.urls import open_url
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError

# Seconds to be answered: whether it is there, and for each part of it.
REACH_TIMEOUT = 8
FETCH_TIMEOUT = 60


def opened(url, method="GET", timeout=FETCH_TIMEOUT, ca=None):
    """The answer, open for reading; OSError with the reason otherwise."""
    try:
        return open_url(url, method=method, timeout=timeout, ca_path=ca, http_agent="psf.observatory")
    except urllib.error.HTTPError as error:
        raise OSError(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
    except http.client.HTTPException as error:
        raise OSError(f"not an HTTP answer: {error!r}") from error


def download(url, target, expected, say, server, ca=None, attempts=3):
    """Fetch a file, tell how far it is, and hold it to its checksum."""
    for attempt in range(1, attempts + 1):
        try:
            with opened(url, ca=ca) as answer, open(target, "wb") as sink:
                size, done, told = int(answer.headers.get("Content-Length") or 0), 0, time.monotonic()
                while block := answer.read(1 << 20):
                    sink.write(block)
                    done += len(block)
                    if time.monotonic() - told > 5:
                        told = time.monotonic()
                        say(f"{server}: {done >> 20} of {size >> 20} MB")
                if size and done != size:
                    raise OSError(f"the connection ended after {done} of {size} bytes")
            break
        except (OSError, http.client.HTTPException) as error:
            if attempt == attempts:
                raise ArtifactError(f"{server}: {url} could not be fetched ({attempts} tries): {error}") from error
            time.sleep(2 ** attempt)
    found = sha256_of(target)
    if expected and found != expected:
        raise ArtifactError(f"{server}: {url} has sha256 {found}, but {expected} is pinned; nothing was installed. "
                            "Either the download was tampered with, or the pin is wrong")
    say(f"{server}: fetched {url}")


def sha256_of(path):
    """sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def exclusive(path):
    """Hold the lock that this file is."""
    with open(path, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
