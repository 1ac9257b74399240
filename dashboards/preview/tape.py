"""What the services answered, kept in a file: a page can be drawn from it again, also of another bundle, as far as it asks the same.

The file is gzipped JSON: {"format", "at", "windows": {uid: [start, end, step, scrape]}, "variables": {name: [value]},
"answers": {place: {source: {question: answer}}}}."""

from __future__ import annotations

import gzip
import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboards.model import ContentError, require
from dashboards.preview.frames import NOT_RECORDED
from dashboards.preview.queries import Window
from dashboards.preview.sources import Service, SourceError

FORMAT = 1
FILE = "answers.json.gz"
LARGEST = 512 * 1024 * 1024  # bytes, unpacked


def question(path: str, params: Mapping[str, str]) -> str:
    return f"{path}?{urllib.parse.urlencode(sorted(params.items()))}"


@dataclass
class Tape:
    """Answers by place, source and question; `windows` are the times that each dashboard was asked for."""

    windows: dict[str, Window] = field(default_factory=dict)
    variables: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    at: int = 0

    def recorder(self, place: str, name: str, service: Service) -> Recorder:
        return Recorder(service, self.answers.setdefault(place, {}).setdefault(name, {}))

    def places(self) -> dict[str, dict[str, Service]]:
        return {place: {name: Player(answers) for name, answers in of.items()} for place, of in self.answers.items()}

    def write(self, path: Path) -> None:
        windows = {uid: [at.start, at.end, at.step, at.scrape] for uid, at in self.windows.items()}
        data = {"format": FORMAT, "at": self.at or int(time.time()), "windows": windows, "variables": self.variables}
        with gzip.GzipFile(path, "wb", mtime=0) as stream:
            stream.write(json.dumps(data | {"answers": self.answers}, separators=(",", ":"), ensure_ascii=False).encode())


@dataclass
class Recorder:
    """A service whose answers are kept. An error is not kept: who plays it is told that there is no answer."""

    service: Service
    answers: dict[str, Any]

    def get(self, path: str, params: Mapping[str, str]) -> Any:
        answer = self.service.get(path, params)
        self.answers[question(path, params)] = answer
        return answer


@dataclass
class Player:
    answers: Mapping[str, Any]

    def get(self, path: str, params: Mapping[str, str]) -> Any:
        try:
            return self.answers[question(path, params)]
        except KeyError:
            raise SourceError(f"{NOT_RECORDED}: the recording was made of other queries, or of another time") from None


def read(path: Path) -> Tape:
    """A recording, or the one in a directory that `--out` wrote. Raises ContentError."""
    path = path / FILE if path.is_dir() else path
    try:
        with gzip.open(path) as stream:
            text = stream.read(LARGEST + 1)
        require(len(text) <= LARGEST, str(path), f"is larger than {LARGEST // 1024 // 1024} MiB unpacked")
        data = json.loads(text)
    except (OSError, EOFError, ValueError) as error:
        raise ContentError(f"--recorded {path}: cannot be read: {error}; `observatory preview --out DIR` writes one") from error
    require(isinstance(data, dict) and data.get("format") == FORMAT, f"--recorded {path}", f"is not a recording of format {FORMAT}")
    try:
        windows = {str(uid): Window(*map(int, row)) for uid, row in data["windows"].items()}
        return Tape(windows, dict(data["variables"]), dict(data["answers"]), int(data["at"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContentError(f"--recorded {path}: is damaged: {error}; record it again") from error
