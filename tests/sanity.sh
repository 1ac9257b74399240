#!/usr/bin/env bash
# ansible-test sanity of the collection: tests/sanity.sh COLLECTION-DIRECTORY
# It runs on a copy: ansible-test wants a checkout of its own below ansible_collections/.
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target=$work/ansible_collections/psf/observatory
mkdir -p "$target"
(cd "$source" && git ls-files -z --cached --others --exclude-standard .) | tar -C "$source" --null --files-from=- -c | tar -C "$target" -x
cd "$target"
git init -q
git add -A
# Its tools go into environments of their own, kept in the cache. It would fetch a script that installs pip into them; the one
# written here does the same with what Python brings along (the name and place are those that ansible-test looks for).
export HOME=${PSF_CACHE:-$HOME/.cache/psf-observatory}/ansible-test
mkdir -p "$HOME/.ansible/test/cache"
for name in get_pip_24_2.py get_pip_24_0.py get_pip_23_1_2.py; do
    cat > "$HOME/.ansible/test/cache/$name" <<'PY'
import ensurepip, subprocess, sys
ensurepip.bootstrap()
subprocess.check_call([sys.executable, "-m", "pip", "install",
                       *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))])
PY
done
export LC_ALL=C.UTF-8
python_version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --color no --truncate 0 --requirements --python "$python_version"
