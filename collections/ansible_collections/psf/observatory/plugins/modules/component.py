#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component
short_description: Make a server run on a host as declared, in one round trip
version_added: 0.1.0
description:
  - Takes the whole declaration of one server (artifact, account, directories, files, environment, secrets, hardened
    systemd unit, readiness), reads what the host has, and shows or makes the difference.
  - New configuration is validated on the host by the service's own tool before anything is swapped. When the service
    does not become ready afterwards, everything is put back and the old service runs again; the error carries the
    service's last log lines.
  - A run that was interrupted is noticed by the next one, which restarts and verifies the service.
  - Only what an earlier run wrote and the declaration no longer has is removed.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.services.probes
options:
  name:
    description: Name of the systemd unit, and the default of every other name.
    type: str
    required: true
  state:
    description: Whether the component is on the host. V(absent) keeps data, account and foreign files unless O(purge).
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: With O(state=absent), also remove the configuration, the data and the account.
    type: bool
    default: false
  running:
    description: Whether the service runs.
    type: bool
    default: true
  enabled:
    description: Whether the service starts with the host.
    type: bool
    default: true
  artifact:
    description:
      - The server's program. Without it, the unit runs something that is already on the host or in O(files).
      - It lands in C(/opt/psf/<name>/versions/<version>-<id>), and C(/opt/psf/<name>/current) points to it.
    type: dict
    suboptions:
      server:
        description: Id of the lock in the collection's C(artifacts/) directory.
        type: str
        required: true
      source:
        description: Where to get it. V(auto) takes the first source of the lock that can be reached.
        type: str
        choices: [auto, release, mirror, package, build]
        default: auto
      version:
        description: Version, when another than the lock's is wanted; it needs O(artifact.sha256) or O(artifact.allow_unpinned).
        type: str
      sha256:
        description: Checksum of the release archive by architecture (V(amd64), V(arm64)), for a version the lock does not have.
        type: dict
      allow_unpinned:
        description: Take a release archive for which no checksum is known.
        type: bool
        default: false
      mirror:
        description: Base URL of a mirror made by C(playbooks/mirror.yml).
        type: str
      mirror_ca:
        description: File on the controller with the certificate authority of the mirror.
        type: path
      cache:
        description: Directory on the controller for artifacts, by content.
        type: path
      optional:
        description:
          - Whether a host that has no version of it does without, where no source can be reached.
          - The task is then skipped, one line says why, and the fact C(psf_unavailable) tells the filters.
        type: bool
        default: false
  resolved:
    description: The artifact as resolved by the action plugin on the controller. Not for use in playbooks.
    type: dict
  user:
    description: System account that the service runs as. Defaults to O(name).
    type: str
  group:
    description: Its primary group. Defaults to O(user).
    type: str
  create_user:
    description: Whether account and group are the component's own, made where they are missing and removed by O(purge). With V(false), they
      must be there.
    type: bool
    default: true
  config_dir:
    description: Configuration directory. Defaults to C(/etc/<name>).
    type: str
  data_dir:
    description: Data directory, the only one the service may write to by default. Defaults to C(/var/lib/<name>).
    type: str
  directories:
    description: Further directories.
    type: list
    elements: dict
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      mode:
        description: Mode as a quoted octal number.
        type: str
        default: "0750"
      owner:
        description: Owner. Defaults to O(user).
        type: str
      group:
        description: Group. Defaults to O(group).
        type: str
  files:
    description: Configuration files. Content that is a mapping or a list is written as YAML.
    type: list
    elements: dict
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      content:
        description: The whole content; a mapping or a list becomes YAML, or JSON where O(files[].path) ends in C(.json).
        type: raw
        required: true
      mode:
        description: Mode as a quoted octal number.
        type: str
        default: "0640"
      owner:
        description: Owner.
        type: str
        default: root
      group:
        description: Group. Defaults to O(group).
        type: str
      on_change:
        description: What the running service needs when this file changes.
        type: str
        choices: [restart, reload, none]
        default: restart
  secrets:
    description: Files with secrets, path to content (as in O(files[].content)), mode 0640 and readable by the service alone.
      Never shown in a diff.
    type: dict
  secret_on_change:
    description: What the running service needs when a file of O(secrets) changes, path to V(restart), V(reload) or V(none).
      Without an entry, it is restarted.
    type: dict
  environment:
    description: Environment of the service.
    type: dict
  secret_environment:
    description: Environment of the service that is never shown.
    type: dict
  validate:
    description:
      - Commands that must succeed before anything is swapped, each a list of arguments.
      - "C({artifact}) is the new version's directory, C({config}) the staged configuration directory, C({root}) the directory
        under which all declared files are staged."
    type: list
    elements: list
  unit:
    description: The systemd unit. It is hardened by default.
    type: dict
    suboptions:
      description:
        description: What the unit is.
        type: str
      exec:
        description: Command line as a list; C({artifact}), C({config}) and C({data}) are filled in.
        type: list
        elements: str
      type:
        description: Type as in systemd.service(5). With O(timer), it is V(oneshot).
        type: str
        default: exec
      working_directory:
        description: Where it runs. Defaults to O(data_dir).
        type: str
      after:
        description: Units to start after.
        type: list
        elements: str
      groups:
        description: Supplementary groups.
        type: list
        elements: str
      capabilities:
        description: Capabilities that the service keeps.
        type: list
        elements: str
      writable:
        description: Paths besides O(data_dir) that it may write to.
        type: list
        elements: str
      reload_signal:
        description: Signal that makes it read its configuration again.
        type: str
      open_files:
        description: Limit of open files.
        type: int
      restart_delay:
        description: Seconds before a restart after a crash.
        type: int
      stop_timeout:
        description: Seconds to stop before it is killed.
        type: int
      hardening:
        description: Directives that differ from the hardened defaults, by systemd's own names.
        type: dict
  timer:
    description:
      - When the unit runs, where it is a job that ends and not a service that stays. O(running) and O(enabled) are then about the
        timer, and a change of anything else waits for the next run.
      - A run that is due while one is under way does not start a second one.
      - Unit and timer are checked with C(systemd-analyze verify), the times with C(systemd-analyze calendar), before anything is touched.
    type: dict
    suboptions:
      calendar:
        description: Times as in systemd.time(7), such as V(*-*-* 04:00:00).
        type: list
        elements: str
        required: true
      random_delay:
        description: Most by which a run is put off at random, as in systemd.time(7).
        type: str
        default: "0"
      persistent:
        description: Whether a run that was missed, as the host was off, is made up for when it is on again.
        type: bool
        default: true
  exposure_max:
    description: Highest exposure (0.0 to 10.0) that C(systemd-analyze security) may find in the unit.
    type: float
    default: 3.0
  keep_versions:
    description: How many earlier versions of the artifact stay on the host.
    type: int
    default: 1
  lock_timeout:
    description: Seconds to wait for another run on the same component.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Shows the same plan that a run would apply; new configuration is validated where the validator is on the host.
  diff_mode:
    support: full
    description: Shows each file before and after, secrets masked, and the plan.
"""

EXAMPLES = r"""
- name: Prometheus runs as declared
  psf.observatory.component:
    name: prometheus
    artifact:
      server: prometheus
    files:
      - path: /etc/prometheus/prometheus.yml
        content:
          global:
            scrape_interval: 15s
        on_change: reload
    validate:
      - ["{artifact}/promtool", check, config, "{config}/prometheus.yml"]
    unit:
      description: Prometheus
      exec:
        - "{artifact}/prometheus"
        - --config.file={config}/prometheus.yml
        - --storage.tsdb.path={data}
      reload_signal: HUP
    reload: {}
    readiness:
      url: http://127.0.0.1:9090/-/ready

- name: A job that runs every night
  psf.observatory.component:
    name: tidy
    unit:
      description: Tidy up
      exec: [/usr/local/bin/tidy, --all]
    timer:
      calendar: ["*-*-* 03:30:00"]
      random_delay: 15min

- name: Prometheus is gone, its data stays
  psf.observatory.component:
    name: prometheus
    state: absent
"""

RETURN = r"""
plan:
  description: The steps from what was found to what is declared, in order. Empty when nothing differed.
  returned: always
  type: list
  elements: dict
  sample:
    - step: write file
      target: /etc/prometheus/prometheus.yml
    - step: reload
      target: prometheus.service
artifact:
  description: What is installed (server, version, source, id), or null for a component without artifact.
  returned: always
  type: dict
  sample: {server: prometheus, version: 2.53.3, source: package, id: "5d1f"}
exposure:
  description: Exposure of the unit as C(systemd-analyze security) finds it, when the unit changed.
  returned: always
  type: float
  sample: 1.3
log:
  description: The service's last log lines, when it did not become ready.
  returned: on failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.component.converge import Converger, NeedsArtifact
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.component.model import Component
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import LOCKS, answer
from ansible_collections.psf.observatory.plugins.module_utils.services import probe


def argument_spec():
    return dict(
        name=dict(type="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        purge=dict(type="bool", default=False),
        running=dict(type="bool", default=True),
        enabled=dict(type="bool", default=True),
        artifact=dict(type="dict", options=dict(
            server=dict(type="str", required=True),
            source=dict(type="str", choices=["auto", "release", "mirror", "package", "build"], default="auto"),
            version=dict(type="str"), sha256=dict(type="dict"), allow_unpinned=dict(type="bool", default=False),
            mirror=dict(type="str"), mirror_ca=dict(type="path"), cache=dict(type="path"),
            optional=dict(type="bool", default=False))),
        resolved=dict(type="dict"),
        user=dict(type="str"), group=dict(type="str"), create_user=dict(type="bool", default=True),
        config_dir=dict(type="str"), data_dir=dict(type="str"),
        directories=dict(type="list", elements="dict", options=dict(
            path=dict(type="str", required=True), mode=dict(type="str", default="0750"),
            owner=dict(type="str"), group=dict(type="str"))),
        files=dict(type="list", elements="dict", options=dict(
            path=dict(type="str", required=True), content=dict(type="raw", required=True),
            mode=dict(type="str", default="0640"), owner=dict(type="str", default="root"), group=dict(type="str"),
            on_change=dict(type="str", choices=["restart", "reload", "none"], default="restart"))),
        secrets=dict(type="dict", no_log=True),
        secret_on_change=dict(type="dict", no_log=False),
        environment=dict(type="dict"),
        secret_environment=dict(type="dict", no_log=True),
        validate=dict(type="list", elements="list"),
        unit=dict(type="dict", options=dict(
            description=dict(type="str"), exec=dict(type="list", elements="str"), type=dict(type="str", default="exec"),
            working_directory=dict(type="str"),
            after=dict(type="list", elements="str"), groups=dict(type="list", elements="str"),
            capabilities=dict(type="list", elements="str"), writable=dict(type="list", elements="str"),
            reload_signal=dict(type="str"), open_files=dict(type="int"), restart_delay=dict(type="int"),
            stop_timeout=dict(type="int"), hardening=dict(type="dict"))),
        timer=dict(type="dict", options=dict(
            calendar=dict(type="list", elements="str", required=True), random_delay=dict(type="str", default="0"),
            persistent=dict(type="bool", default=True))),
        reload=probe(),
        readiness=probe(),
        exposure_max=dict(type="float", default=3.0),
        keep_versions=dict(type="int", default=1),
        lock_timeout=dict(type="int", default=120),
    )


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)

    def make():
        component = Component(module.params)
        return Converger(component, Host(), module.check_mode), "%s/%s.lock" % (LOCKS, component.name)

    try:
        answer(module, make, module.params["lock_timeout"])
    except NeedsArtifact as needs:
        module.exit_json(changed=False, needs_artifact=True, other_artifact=needs.other)


if __name__ == "__main__":
    main()
