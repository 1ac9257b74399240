"""The collection's settings are importable, as Ansible would find them, and the helpers beside these tests by their names."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

HERE = Path(__file__).resolve()
if AnsibleCollectionConfig.collection_finder is None:
    _AnsibleCollectionFinder(paths=[str(HERE.parents[2] / "collections")])._install()
sys.path[:0] = [str(HERE.parent)]
