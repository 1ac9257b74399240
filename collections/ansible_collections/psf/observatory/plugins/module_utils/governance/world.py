# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe may touch: files of the host, a few read-only commands, the services of the region. Bounded in time and size.

`context`, from the inventory (plugin_utils/governance.py):
  host, region, environment     names
  hosts                         inventory names of the region's hosts
  services                      of this host: {"service", "url", "address", "port", "auth", "scheme"}
  login, mutual                 those of them where one logs in, and those that want a client certificate
  ports                         numbers of every port that the inventory gives this host
  endpoints                     service to those of the region: {"host", "url", "auth", ...}
  drift                         what the last drift run would have changed here (plugin_utils/changes.py)
  instances                     host:port of what the region's Prometheus must scrape, where a control asks for it
`credentials`: ca, cert, key (files on the host), username, password, as in the module verification.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import stat
import subprocess
import time
from types import SimpleNamespace
from urllib.parse import urlencode

from ansible_collections.psf.observatory.plugins.module_utils.component import probe

FILE_LIMIT = 4 << 20
BODY_LIMIT = 16 << 20
OUTPUT_LIMIT = 4 << 20


class ReadError(Exception):
    """Something could not be read; the text says what and why, and carries no secret."""


class World:
    # For a probe that may wait until what was just started has settled.
    clock = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def __init__(self, context=None, credentials=None, root="/", runner=None, timeout=10, settle=0):
        self.context = context or {}
        self.credentials = credentials or {}
        self.root = root
        self.timeout = timeout
        self.settle = settle
        self._runner = runner or execute

    def container(self):
        """Whether this host is a container: systemd, podman and Docker each leave a mark."""
        return any(os.path.exists(self.real(path)) for path in ("/run/systemd/container", "/run/.containerenv", "/.dockerenv"))

    # -- files ---------------------------------------------------------------------------------------------------------
    def real(self, path):
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def read(self, path, limit=FILE_LIMIT):
        """A file as text. Raises FileNotFoundError where there is none, ReadError where it cannot be read or is too large."""
        try:
            # O_NONBLOCK: a pipe in a file's place must not hang the probe.
            descriptor = os.open(self.real(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as stream:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ReadError("%s is not a plain file" % path)
                # In small pieces: /proc/sys refuses a large buffer.
                blocks, size = [], 0
                while size <= limit:
                    block = stream.read1(65536)
                    if not block:
                        break
                    blocks.append(block)
                    size += len(block)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ReadError("%s: %s" % (path, error.strerror or error)) from error
        if size > limit:
            raise ReadError("%s is larger than %d bytes" % (path, limit))
        return b"".join(blocks).decode("utf-8", "replace")

    def json(self, path):
        try:
            return json.loads(self.read(path))
        except ValueError as error:
            raise ReadError("%s: not JSON: %s" % (path, error)) from error

    # -- commands ------------------------------------------------------------------------------------------------------
    def run(self, argv, accept=(0,)):
        """Standard output of a read-only command; anything but an accepted exit code is a ReadError with its words."""
        try:
            done = self._runner(argv, timeout=self.timeout, limit=OUTPUT_LIMIT,
                                env=dict(os.environ, LC_ALL="C.UTF-8", SYSTEMD_COLORS="0", SYSTEMD_PAGER=""))
        except FileNotFoundError as error:
            raise ReadError("%s is not installed on this host" % argv[0]) from error
        except PermissionError as error:
            raise ReadError("%s may not be run" % argv[0]) from error
        except subprocess.TimeoutExpired as error:
            raise ReadError("%s did not end within %g s" % (argv[0], self.timeout)) from error
        if len(done.stdout) > OUTPUT_LIMIT:
            raise ReadError("%s said more than %d bytes" % (argv[0], OUTPUT_LIMIT))
        if done.returncode not in accept:
            raise ReadError("%s ended with %d: %s" % (" ".join(argv[:2]), done.returncode,
                                                      " ".join(done.stderr.decode("utf-8", "replace").split())[-300:]))
        return done.stdout.decode("utf-8", "replace")

    # -- services ------------------------------------------------------------------------------------------------------
    def servers(self, service):
        """The servers of a service in the region; ReadError where the inventory has none."""
        rows = (self.context.get("endpoints") or {}).get(service) or []
        if not rows:
            raise ReadError("the region has no %s" % service)
        return rows

    def request(self, url, query=None, **options):
        """(status, text) of one GET with the credentials, unless `options` says others."""
        full = url + ("?" + urlencode(query) if query else "")
        options = options or probe.credentials(self.credentials)
        try:
            status, body = probe.request(full, "GET", self.timeout, limit=BODY_LIMIT + 1, **options)
        except (OSError, ValueError) as error:
            raise ReadError("%s: %s" % (url, error)) from error
        if len(body) > BODY_LIMIT:
            raise ReadError("%s: the answer is larger than %d bytes" % (url, BODY_LIMIT))
        return status, body

    def ask(self, url, query=None):
        """The text of an answer with status 200."""
        status, body = self.request(url, query)
        if status != 200:
            raise ReadError("%s: HTTP %d %s" % (url, status, " ".join(body.split())[:200]))
        return body

    def ask_json(self, url, query=None):
        body = self.ask(url, query)
        try:
            return json.loads(body)
        except ValueError as error:
            raise ReadError("%s: not JSON: %s" % (url, " ".join(body.split())[:120])) from error


def execute(argv, timeout, limit, env=None):
    """Run a command: returncode, stdout and stderr as bytes. It is killed, with all that it started, as soon as it says more than `limit`
    bytes; then stdout is one byte longer than that. Raises OSError or subprocess.TimeoutExpired as subprocess does."""
    deadline = time.monotonic() + timeout
    said = {"stdout": bytearray(), "stderr": bytearray()}
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                             start_new_session=True)
    try:
        with child.stdout, child.stderr, selectors.DefaultSelector() as open_ends:
            open_ends.register(child.stdout, selectors.EVENT_READ, "stdout")
            open_ends.register(child.stderr, selectors.EVENT_READ, "stderr")
            while open_ends.get_map() and len(said["stdout"]) <= limit:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise subprocess.TimeoutExpired(argv, timeout)
                for key, _events in open_ends.select(left):
                    block = os.read(key.fd, 65536)
                    if not block:
                        open_ends.unregister(key.fileobj)
                    # Of what went wrong the last words count, and they are few.
                    said[key.data] += block
                    del said["stdout"][limit + 1:], said["stderr"][:-65536]
        if len(said["stdout"]) <= limit:
            child.wait(max(deadline - time.monotonic(), 0.01))
    finally:
        # Not waited for yet, its number is still its own, also where it ended and left others behind.
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return SimpleNamespace(returncode=child.returncode, stdout=bytes(said["stdout"]), stderr=bytes(said["stderr"]))


def reading(name, read, *arguments):
    """{"name", "data"} of what `read` gives, or {"name", "error"} with why it gave nothing."""
    try:
        return {"name": name, "data": read(*arguments)}
    except ReadError as error:
        return {"name": name, "error": str(error)}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return {"name": name, "error": "an answer of another shape than expected: %s: %s" % (type(error).__name__, error)}
