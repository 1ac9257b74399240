"""The runner of fire drills is a program beside its scenario; its modules are imported as it imports them."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "molecule"
sys.path[:0] = [str(FOLDER / "drills"), str(FOLDER / "lab")]
