#!/usr/bin/env bash
# ansible-test sanity of the collection: tests/sanity.sh COLLECTION-DIRECTORY
# It runs on a copy: ansible-test wants a checkout of its own below ansible_collections/.
set -euo pipefail
source=$1
work=$(mktemp -d)
# What is compiled for a directory that goes away would stay in the cache.
unset PYTHONPYCACHEPREFIX
export PYTHONDONTWRITEBYTECODE=1
trap 'rm -rf "$work"' EXIT
target=$work/ansible_collections/psf/observatory
mkdir -p "$target"
(cd "$source" && git ls-files -z --cached --others --exclude-standard .) | tar -C "$source" --null --files-from=- -c | tar -C "$target" -x
cd "$target"
git init -q
git add -A
# Its tools go into environments of their own, kept in the cache. ansible-test hides the environment from pip, so what says
# how packages are reached is written down for it. It would also fetch a script that installs pip; the one written here does
# the same with what Python brings along (name and place are those that ansible-test looks for).
user_config=$HOME/.config/pip/pip.conf
export HOME=${PSF_CACHE:-$HOME/.cache/psf-observatory}/ansible-test
mkdir -p "$HOME/.ansible/test/cache" "$HOME/.config/pip"
{
    if [ -r "$user_config" ] && [ "$user_config" != "$HOME/.config/pip/pip.conf" ]; then cat "$user_config"; fi
    echo "[install]"
    for variable in PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_PROXY; do
        key=${variable#PIP_}
        if [ -n "${!variable:-}" ]; then printf '%s = %s\n' "${key,,}" "${!variable}"; fi
    done
} > "$HOME/.config/pip/pip.conf"
for name in get_pip_24_2.py get_pip_24_0.py get_pip_23_1_2.py; do
    cat > "$HOME/.ansible/test/cache/$name" <<'PY'
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"])
subprocess.check_call([sys.executable, "-m", "pip", "install",
                       *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))])
PY
done
export LC_ALL=C.UTF-8
python_version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --color no --truncate 0 --requirements --python "$python_version"
