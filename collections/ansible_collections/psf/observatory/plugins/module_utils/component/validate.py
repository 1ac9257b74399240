# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try what is to come before anything is swapped: the service's own tools on staged files, the unit's exposure.

All of it happens in a private directory that is gone afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile

from ansible_collections.psf.observatory.plugins.module_utils.component import unit
from ansible_collections.psf.observatory.plugins.module_utils.component.model import parse_environment
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError


class Validation:
    """warnings: what could not be tried; exposure: of the unit, where it was measured."""

    def __init__(self, component, host, check_mode):
        self.wanted, self.host, self.check_mode = component, host, check_mode
        self.warnings, self.exposure = [], None

    def run(self, directory, new_unit, prepare):
        """Raise ConcernError for what is not valid.

        directory: of the program that shall run; new_unit: whether the unit is another than now; prepare: makes on the host what
        validators need (not in check mode).
        """
        work = tempfile.mkdtemp(prefix="psf-validate-", dir="/var/tmp")
        try:
            self._stage(work)
            if new_unit:
                self._check_units(work)
            if not self.check_mode:
                prepare()
            self._run_validators(work, directory)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _stage(self, work):
        """The declared files under `work`; where one names another of them in config_dir, it names the staged copy."""
        inside = [item.path for item in self.wanted.files if item.path.startswith(self.wanted.config_dir + "/")]
        names = b"|".join(re.escape(path.encode()) for path in sorted(inside, key=len, reverse=True))
        for item in self.wanted.files:
            path = work + item.path
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            data = item.data
            if inside:
                data = re.sub(names, lambda match: work.encode() + match.group(), data)
            with open(path, "wb") as stream:
                os.chmod(path, 0o600)
                stream.write(data)

    def _check_units(self, work):
        paths = []
        for path, text in unit.files(self.wanted):
            paths.append(os.path.join(work, os.path.basename(path)))
            with open(paths[-1], "w", encoding="utf-8") as stream:
                stream.write(text)
        self.exposure = self.host.exposure(paths[0])
        limit = self.wanted.exposure_max
        if self.exposure is None:
            self.warnings.append("this host's systemd cannot analyse a unit file offline; the exposure of %s was not measured"
                                 % self.wanted.name)
        elif self.exposure > limit:
            raise ConcernError("unit.hardening: %s would have an exposure of %.1f, more than exposure_max %.1f; "
                               "see `systemd-analyze security --offline=true` for what opens it"
                               % (self.wanted.name, self.exposure, limit))
        # A service's program may only come with this run; what a timer starts is mostly there already.
        if self.wanted.timer and not self.wanted.artifact:
            problem = self.host.units_problem(paths)
            if problem is None:
                self.warnings.append("this host's systemd cannot verify unit files by themselves; those of %s were not" % self.wanted.name)
            elif problem:
                raise ConcernError("%s: systemd would not take its units, nothing was changed: %s"
                                   % (self.wanted.name, problem.replace(work + "/", "")))

    def _run_validators(self, work, directory):
        tokens = {"artifact": self.host.real(directory or self.wanted.current), "config": work + self.wanted.config_dir,
                  "data": self.wanted.data_dir, "root": work}
        environment = {}
        for item in self.wanted.files:
            if item.path == self.wanted.environment_path:
                environment = parse_environment(item.data.decode("utf-8"))
        for command in self.wanted.validate:
            argv = [unit.expand(part, tokens) for part in command]
            absent = [word for word in command if word.startswith("{artifact}/") and not os.path.exists(unit.expand(word, tokens))]
            if self.check_mode and (absent or shutil.which(argv[0]) is None):
                self.warnings.append("not validated in check mode: %s is not on this host yet" % (absent or command)[0])
                continue
            code, output = self.host.run(argv, check=False, env=environment)
            if code != 0:
                words = " | ".join(line.strip() for line in output.replace(work, "").splitlines() if line.strip())
                raise ConcernError("%s: the new configuration is not valid, nothing was changed: %s says: %s"
                                   % (self.wanted.name, " ".join(command[:3]), words[-1500:]), validator=command)
