# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Found, wanted -> plan -> apply -> verify: the one way in which a module of this collection changes the world.

A Plan is an ordered list of Steps. In check mode it is only shown; otherwise each step is done in turn. The same plan gives
`changed`, the diff and the return value, so they cannot disagree.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time

# Where the locks are, on the target.
LOCKS = "/run/lock/psf-observatory"


class ConcernError(Exception):
    """One clear error: what, where and what would be right. `details` go into the module's failure beside `msg`."""

    def __init__(self, msg, **details):
        super().__init__(msg)
        self.msg = msg
        self.details = details


class Step:
    """One change: a verb, what it is about, and (for files and the like) its text before and after."""

    def __init__(self, verb, target, detail="", before=None, after=None, secret=False, action=None):
        self.verb = verb
        self.target = target
        self.detail = detail
        self.before = before
        self.after = after
        self.secret = secret
        self.action = action

    def as_dict(self):
        row = {"step": self.verb, "target": self.target}
        if self.detail:
            row["detail"] = self.detail
        return row

    def __repr__(self):
        return "Step(%s %s %s)" % (self.verb, self.target, self.detail)


class Plan:
    """The ordered steps from what was found to what is wanted."""

    def __init__(self):
        self.steps = []

    def add(self, verb, target, detail="", before=None, after=None, secret=False, action=None):
        self.steps.append(Step(verb, target, detail, before, after, secret, action))

    def __bool__(self):
        return bool(self.steps)

    def as_list(self):
        return [step.as_dict() for step in self.steps]

    def diff(self):
        """Ansible's diff rows: texts where there are texts (secrets masked), then the plan itself."""
        rows = []
        for step in self.steps:
            if step.before is None and step.after is None:
                continue
            before, after = step.before or "", step.after or ""
            if step.secret:
                before = "(secret, not shown)\n" if step.before is not None else ""
                after = "(secret, changed, not shown)\n" if step.after is not None else ""
            rows.append({
                "before_header": step.target if step.before is not None else "%s (absent)" % step.target,
                "after_header": step.target if step.after is not None else "%s (absent)" % step.target,
                "before": before,
                "after": after,
            })
        if self.steps:
            lines = ["%s %s%s" % (s.verb, s.target, (": " + s.detail) if s.detail else "") for s in self.steps]
            rows.append({"before_header": "plan", "after_header": "plan", "before": "",
                         "after": "\n".join(lines) + "\n"})
        return rows

    def apply(self):
        for step in self.steps:
            if step.action is not None:
                step.action()


def answer(module, make, lock_timeout):
    """Run a module to its end. make() gives a concern, which has run(), plan and warnings, and the path of its lock.

    The lock is held, unless the module only looks; its warnings are said whether it succeeds or fails, and a diff is shown where asked for.
    """
    concern = None
    try:
        concern, lock = make()
        with contextlib.nullcontext() if module.check_mode else locked(lock, lock_timeout):
            result = concern.run()
    except ConcernError as error:
        _warn(module, concern)
        module.fail_json(msg=error.msg, **error.details)
    _warn(module, concern)
    if module._diff:
        result["diff"] = concern.plan.diff()
    module.exit_json(**result)


def _warn(module, concern):
    for warning in concern.warnings if concern else []:
        module.warn(warning)


@contextlib.contextmanager
def locked(path, timeout):
    """Hold an exclusive lock on the target, so that two runs at once do not mix; seconds to wait before giving up."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    raise
                if time.monotonic() > deadline:
                    raise ConcernError("another run holds %s for more than %d s; wait for it to end, or end it"
                                       % (path, timeout)) from error
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def atomic_write(path, data, mode, uid, gid):
    """Replace a file in one step: no reader ever sees half of it, and an interruption leaves the old one."""
    temporary = "%s.psf-new" % path
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chown(temporary, uid, gid)
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
