#!/usr/bin/env bash
# Install Chromium, in which the tests look at pages, where this runs as root on a machine with Debian's packages. Without it those tests
# are skipped, and say so. PSF_CHROMIUM=no leaves it out.
set -euo pipefail
if command -v chromium chromium-browser google-chrome >/dev/null; then exit 0; fi
if [ "${PSF_CHROMIUM:-}" = no ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then exit 0; fi
echo "[tools] installing chromium (about 100 MB), for the tests of pages"
export DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends chromium fonts-dejavu-core >/dev/null; } ||
    echo "[tools] chromium cannot be had; the tests of pages are skipped"
