# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel's clock is held by a time server: adjtimex(2), read only.

Right: none, as nothing is set.
One reading "clock": {"synchronised": bool, "offset": seconds, "max_error": seconds}.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {}
STA_UNSYNC, STA_NANO = 0x0040, 0x2000

# Fields of another type than long.
KINDS = {"modes": ctypes.c_uint, "status": ctypes.c_int, "shift": ctypes.c_int, "tai": ctypes.c_int, "reserved": ctypes.c_int * 11}


class Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>."""

    _fields_ = [(name, KINDS.get(name, ctypes.c_long)) for name in (
        "modes", "offset", "freq", "maxerror", "esterror", "status", "constant", "precision", "tolerance", "time_s", "time_us", "tick",
        "ppsfreq", "jitter", "shift", "stabil", "jitcnt", "calcnt", "errcnt", "stbcnt", "tai", "reserved")]


def read(world):
    return [reading("clock", _clock, world)]


def _clock(_world):
    library = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    buffer = Timex()
    if library.adjtimex(ctypes.byref(buffer)) < 0:
        raise ReadError("adjtimex: %s" % os.strerror(ctypes.get_errno()))
    scale = 1e9 if buffer.status & STA_NANO else 1e6
    return {"synchronised": not buffer.status & STA_UNSYNC, "offset": buffer.offset / scale, "max_error": buffer.maxerror / 1e6}
