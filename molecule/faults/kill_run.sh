#!/usr/bin/env bash
# Start a playbook run and kill its module on the host once the component's transaction is open:
#   kill_run.sh INVENTORY HOST COMPONENT PLAYBOOK-ARGUMENTS...
set -euo pipefail
inventory=$1 host=$2 component=$3
shift 3
ansible-playbook -i "$inventory" playbooks/site.yml "$@" >/dev/null 2>&1 &
run=$!
# Wait for the transaction on the host, then kill whoever holds the component's lock.
read -r -d '' script <<SH || true
for try in \$(seq 300); do
  if [ -e /var/lib/psf-observatory/components/$component/transaction.json ]; then
    for fd in /proc/[0-9]*/fd/*; do
      if [ "\$(readlink \$fd)" = /run/lock/psf-observatory/$component.lock ]; then
        pid=\${fd#/proc/}; kill -KILL \${pid%%/*}; echo killed; exit 0
      fi
    done
  fi
  sleep 0.1
done
exit 1
SH
ansible "$host" -i "$inventory" -b -m ansible.builtin.raw -a "$script" | grep -q killed
wait "$run" && { echo "the run did not fail although it was killed" >&2; exit 1; }
exit 0
