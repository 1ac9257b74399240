# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a service load exactly the declared rules: read, plan rule by rule, validate, swap, confirm, else swap back.

What the service has loaded is asked from the service, never concluded from the files alone.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan
from ansible_collections.psf.observatory.plugins.module_utils.rules import model
from ansible_collections.psf.observatory.plugins.module_utils.rules.store import Store

POLL = 0.2
RULES = "rules/"
# More tests than this are not named on a command line; their files are run whole.
MANY = 200


class NeedsContent(Exception):
    """The controller shall send groups, and the files with these checksums. `tool`: Converger.tool of the host that lacks them."""

    def __init__(self, missing, tool):
        super().__init__()
        self.missing, self.tool = missing, tool


class Ruleset:
    """What shall be: `content` as the action plugin gives it. Options as in the modules' documentation.

    content: digest, files (path to sha256); and where the host lacks some: groups (see model), tests (path of a test file to the rule
    files it `reads` and its `items`: name, checksum, the rules it concerns), data (sha256 to packed bytes), proven (whether the same
    promtool passed the tests of this very content on another host).
    """

    def __init__(self, params):
        self.absent = params["state"] == "absent"
        self.directory = params["directory"].rstrip("/")
        self.link = params["link"]
        self.inside = params["inside"]
        self.group = params["group"]
        self.promtool = params.get("promtool")
        self.load_timeout = params["load_timeout"]
        self.settle = params["settle"]
        self.trial_timeout = params["trial_timeout"]
        self.keep = params["keep"]
        content = params["content"] or {}
        self.digest = content.get("digest")
        self.files = content.get("files") or {}
        self.groups = content.get("groups")
        self.tests = content.get("tests") or {}
        self.data = content.get("data") or {}
        self.proven = bool(content.get("proven"))
        if not self.absent and not self.digest:
            raise ConcernError("bundle: this module needs its action plugin; call it by its full name, with psf.observatory in front")
        for option in ("directory", "link"):
            if not getattr(self, option).startswith("/"):
                raise ConcernError("%s: %r is not an absolute path (like /etc/prometheus/content)" % (option, getattr(self, option)))
        if self.groups is not None:
            model.check(self.groups)


class Converger:
    def __init__(self, wanted, service, host, check_mode, state_root="/var/lib/psf-observatory/content"):
        self.wanted = wanted
        self.service = service
        self.host = host
        self.check_mode = check_mode
        self.plan = Plan()
        self.warnings = []
        self.counts = {"groups": 0, "rules": 0, "unevaluated": 0}
        self.store = Store(host, wanted.directory, wanted.link, wanted.inside, wanted.group, "%s/%s" % (state_root, service.name))

    # -- entry ---------------------------------------------------------------------------------------------------------
    def run(self):
        self.state, self.pending = self.store.state(), self.store.pending()
        self.current = self.store.current()
        self.about = self.store.about(self.current)
        if self.wanted.absent:
            self._absent()
        else:
            self._present()
        return {"changed": bool(self.plan), "plan": self.plan.as_list(), "digest": self.wanted.digest, "loaded": self.counts}

    def _present(self):
        wanted, here = self.wanted, self.store.found(self.current) if self.current else {}
        if self.about.get("digest") == wanted.digest and here == wanted.files:
            self.groups = self.about["groups"]
            self._plan_load()
            if self.plan and not self.check_mode:
                self._apply(None)
            return
        missing = set(wanted.files.values()) - set(here.values())
        if wanted.groups is None or missing - set(wanted.data):
            raise NeedsContent(sorted(missing), self.tool)
        self.groups = wanted.groups
        self._plan_change(here)
        self._validate(here)

    def tool(self):
        """What promtool says that it is, "" where there is none: what one has tested, another of the same name need not test again."""
        path = self.wanted.promtool
        if not path or not os.path.exists(path):
            return ""
        return self.host.run([path, "--version"], check=False)[1].strip()

    # -- nothing to swap -----------------------------------------------------------------------------------------------
    def _plan_load(self):
        """The files are as declared; are they what the service has loaded?"""
        if self.pending is not None:
            self.plan.add("confirm", self.wanted.link, "an earlier run was interrupted before the service had confirmed the rules")
            self.reload = True
            return
        try:
            loaded = self.service.groups()
            reason = self._mismatch(loaded)
        except OSError as error:
            if not self.check_mode:
                raise ConcernError("the rules are as declared, but %s does not answer: %s" % (self.service.name, error)) from error
            self.warnings.append("not confirmed in check mode: %s" % error)
            return
        self.reload = bool(reason)
        if reason:
            self.plan.add("reload", self.service.name, reason)
            return
        self._health(loaded, None)

    def _mismatch(self, loaded):
        reason = model.mismatch(model.shape(self.groups), model.shape_loaded(loaded))
        if not reason and self.groups and not self.service.read_since(self.state.get("swapped") or 0):
            reason = "it has not read its rules since they were changed"
        return reason

    # -- plan ----------------------------------------------------------------------------------------------------------
    def _plan_change(self, here):
        wanted, plan = self.wanted, self.plan
        self.fresh, self.touched = [], set()
        for verb, target, detail, before, after, rule in model.differences(self.about.get("groups") or [], self.groups):
            plan.add(verb, target, detail, before, after)
            self.touched.add(target.rsplit("/", 1)[-1] if verb != "set group" else "")
            if rule is not None and (before is None or "expr" in detail.split(", ")):
                self.fresh.append((target, rule))
        known = self.about.get("files") or {}
        self.changed = {path for path in set(here) | set(wanted.files) if here.get(path) != wanted.files.get(path)}
        for path in sorted(self.changed):
            if path in known and here.get(path) != known[path] and wanted.files.get(path) == known[path]:
                plan.add("repair", path, "changed on the host")
            elif path not in wanted.files:
                plan.add("remove", path)
            elif not path.startswith(RULES):
                plan.add("write", path, "" if path in here else "new")
        self.reload = self.pending is not None or any(path.startswith(RULES) for path in self.changed)
        plan.add("switch", wanted.link, "%s -> %s" % (self.about.get("digest") or "none", wanted.digest))
        if self.reload:
            plan.add("reload", self.service.name)

    # -- validate ------------------------------------------------------------------------------------------------------
    def _validate(self, here):
        """The service's own words about what is to come, before it is swapped in: its tool on the files, itself on expressions."""
        wanted = self.wanted
        if not self.check_mode:
            self.store.prepare()
        top = tempfile.mkdtemp(prefix="psf-rules-", dir="/var/tmp") + "/new" if self.check_mode else self.store.staging()
        spare = {digest: self.host.real("%s/%s/%s" % (wanted.directory, self.current, path)) for path, digest in here.items() if digest}
        try:
            self.store.stage(top, wanted.files, wanted.data, spare)
            self._run_tool(top)
            self._try_expressions()
            if not self.check_mode:
                self._apply(top)
        finally:
            shutil.rmtree(os.path.dirname(top) if self.check_mode else top, ignore_errors=True)

    def _run_tool(self, top):
        wanted = self.wanted
        # Those that are as they were have been checked.
        rules = [path for path in sorted(glob.glob(os.path.join(glob.escape(top), RULES, "*.yml")))
                 if os.path.relpath(path, top) in self.changed]
        if not wanted.promtool:
            return
        if not os.path.exists(wanted.promtool):
            if not self.check_mode:
                raise ConcernError("promtool: %s is not on this host; install Prometheus first" % wanted.promtool)
            self.warnings.append("not validated in check mode: %s is not on this host yet" % wanted.promtool)
            return
        if rules:
            self._say([wanted.promtool, "check", "rules"] + rules, top)
        whole, files, names = self._due() if not wanted.proven else ([], [], [])
        if whole:
            self._say([wanted.promtool, "test", "rules"] + [os.path.join(top, test) for test in whole], top)
        if files:
            self._say([wanted.promtool, "test", "rules", "--run=^(%s)$" % "|".join(re.escape(name) for name in names)]
                      + [os.path.join(top, test) for test in files], top)

    def _due(self):
        """The tests to run, as promtool takes a fifth of a second for each: (files to run whole, files to run in part, names).

        A test is due when it is new or changed, or concerns a rule that is. A group that changed as a whole, or a test file that
        does not name its tests, is run whole.
        """
        known = self.about.get("tests") or {}
        whole, files, names = [], [], set()
        for path, suite in sorted(self.wanted.tests.items()):
            if not self.changed.intersection([path] + suite["reads"]):
                continue
            items = suite["items"]
            before = {item[1] for item in (known.get(path) or {}).get("items") or []}
            due = [name for name, digest, concerns in items if digest not in before or not concerns or self.touched.intersection(concerns)]
            if "" in self.touched or "" in due or len(due) == len(items):
                whole.append(path)
            elif due:
                files.append(path)
                names.update(due)
        return (whole, files, sorted(names)) if len(names) <= MANY else (whole + files, [], [])

    def _say(self, argv, top):
        code, output = self.host.run(argv, check=False, timeout=600, cwd=top)
        if code != 0:
            lines = [line.strip() for line in output.replace(top + "/", "").splitlines() if line.strip()]
            bad = [line for line in lines if "SUCCESS" not in line and not line.startswith(("Checking ", "Unit Testing: "))] or lines
            raise ConcernError("the new rules are not valid, nothing was changed: promtool %s rules says: %s"
                               % (argv[1], " | ".join(bad)[:1500]), validator=["promtool", argv[1], "rules"])

    def _try_expressions(self):
        """Every new expression once, as the service itself evaluates it now."""
        if not self.fresh:
            return
        try:
            failures, skipped = self.service.trials([rule["expr"] for _where, rule in self.fresh], self.wanted.trial_timeout)
        except OSError as error:
            if not self.check_mode:
                raise ConcernError("nothing was changed: %s does not answer: %s" % (self.service.name, error)) from error
            self.warnings.append("new expressions were not tried in check mode: %s" % error)
            return
        if skipped:
            self.warnings.append("%d of %d new expressions were not tried within %d s (trial_timeout)"
                                 % (skipped, len(self.fresh), self.wanted.trial_timeout))
        if failures:
            said = ["%s: %s" % (where, failures[rule["expr"]]) for where, rule in self.fresh if rule["expr"] in failures]
            raise ConcernError("the new rules are not valid, nothing was changed: %s says of %s%s"
                               % (self.service.name, "; ".join(said[:5]), " and %d more" % (len(said) - 5) if len(said) > 5 else ""))

    # -- apply ---------------------------------------------------------------------------------------------------------
    def _apply(self, staged):
        """Swap in what is staged (None: nothing to swap), have it loaded and confirmed, or put the old back."""
        store, wanted, host = self.store, self.wanted, self.host
        started = host.now()
        name, owned = self.current, list(self.state.get("owned") or [])
        if staged:
            name = store.new_name(wanted.digest)
        record = self.pending or {"previous": self.current, "state": self.state}
        record["made"] = sorted(set(record.get("made") or []) | ({name} if staged else set()))
        if staged and self.groups != (self.about.get("groups") or []):
            # A service that compares groups does not load what is the same in other words, so its time of loading would stay.
            record["since"] = started
        store.begin(record)
        try:
            if staged:
                store.install(staged, name, {"digest": wanted.digest, "files": wanted.files, "groups": self.groups,
                                             "tests": wanted.tests})
                store.swap(name)
            if self.reload:
                self.service.reload()
                self._confirm(record.get("since") or 0, started)
        except (ConcernError, OSError) as error:
            self._fail(error, record, started)
        made = [n for n in owned + record["made"] if n != name]
        keep = list(dict.fromkeys(made))[-wanted.keep:] if wanted.keep else []
        store.commit({"owned": keep + [name], "swapped": record.get("since") or self.state.get("swapped")})
        for old in set(made) - set(keep):
            store.forget(old)

    def _confirm(self, since, started=None):
        """Wait until exactly these groups are loaded, by a service that read its rules after `since`; then, for a while, until the
        new ones were evaluated. What the service logs about its rules after `started` ends the wait."""
        host, deadline = self.host, self.host.now() + self.wanted.load_timeout
        expected = model.shape(self.groups)
        while True:
            try:
                loaded = self.service.groups()
                reason = model.mismatch(expected, model.shape_loaded(loaded))
                if not reason and self.groups and not self.service.read_since(since):
                    reason = "it has not read the new rules"
            except OSError as error:
                reason = str(error)
            if not reason:
                break
            words = self.service.refusal(host.logs(self.service.name, started, 200)) if started is not None else ""
            if words:
                raise ConcernError("the rules were refused: %s" % words)
            if host.now() > deadline:
                raise ConcernError("the rules are not loaded after %d s: %s" % (self.wanted.load_timeout, reason))
            host.sleep(POLL)
        fresh = {model.name_of(rule) for _where, rule in getattr(self, "fresh", [])}
        until = host.now() + self.wanted.settle
        while self._health(loaded, fresh) and host.now() < until:
            host.sleep(POLL)
            loaded = self.service.groups()

    def _health(self, loaded, fresh):
        """Count the loaded rules; one of `fresh` that fails is an error, others that fail are a warning. Returns how many of
        `fresh` were not evaluated yet."""
        waiting, failing = 0, []
        self.counts = {"groups": len(loaded), "rules": 0, "unevaluated": 0}
        for group in loaded:
            for rule in group["rules"]:
                self.counts["rules"] += 1
                mine = fresh is not None and rule["name"] in fresh
                if rule.get("health") == "unknown":
                    self.counts["unevaluated"] += 1
                    waiting += mine
                elif rule.get("health") == "err":
                    words = "rule %s of group %s fails: %s" % (rule["name"], group["name"], rule.get("lastError"))
                    if mine:
                        raise ConcernError(words)
                    failing.append(words)
        if failing and fresh is None:
            self.warnings.append("; ".join(failing[:5]))
        return waiting

    def _fail(self, error, record, started):
        what = error.msg if isinstance(error, ConcernError) else str(error)
        store, previous = self.store, record["previous"]
        log = self.service.words(self.host.logs(self.service.name, started, 200))
        store.swap(previous)
        try:
            self.service.reload()
            restored = "The old rules were put back and are loaded"
            self.groups, self.fresh = store.about(previous).get("groups") or [], []
            # What is loaded may never have been the new, so only the groups are asked for, not the time.
            self._confirm(0)
        except (ConcernError, OSError) as again:
            restored = "The old rules were put back, but are not loaded (%s)" % (again.msg if isinstance(again, ConcernError) else again)
        store.commit(record["state"])
        for name in record["made"]:
            if name != previous and name not in (record["state"].get("owned") or []):
                store.forget(name)
        raise ConcernError("%s: %s. %s. Last words of the service: %s"
                           % (self.service.name, what, restored, " | ".join(log[-3:]) or "none"), log=log, rolled_back=True) from error

    # -- absent --------------------------------------------------------------------------------------------------------
    def _absent(self):
        for verb, target, detail, before, after, _rule in model.differences(self.about.get("groups") or [], []):
            self.plan.add(verb, target, detail, before, after)
        if self.current or self.host.directory(self.store.state_dir):
            self.plan.add("remove", self.wanted.link, "and the versions that were made")
        if not self.plan or self.check_mode:
            return
        self.groups = []
        if self.current:
            self.store.swap(None)
            try:
                self.service.reload()
                self._confirm(0)
            except (ConcernError, OSError) as error:
                self.warnings.append("the rules were removed, but %s did not confirm it: %s" % (self.service.name, error))
        self.store.clear()
