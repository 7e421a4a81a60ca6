from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("digest.py")


def digest(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, "files"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_file_has_its_line(tmp_path: Path) -> None:
    expected = []
    for number in range(40):
        path = tmp_path / "files" / f"{number % 3}" / f"ü {number:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
        expected.append(f"{hashlib.sha256(b'x' * number).hexdigest()}  {path.relative_to(tmp_path)}")

    done = digest(tmp_path)

    assert done.stderr == ""
    assert sorted(done.stdout.splitlines()) == sorted(expected)
    assert done.returncode == 0


def test_a_second_run_sees_what_has_changed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("before")
    before = digest(tmp_path).stdout
    (tmp_path / "files" / "a").write_text("after")

    assert digest(tmp_path).stdout != before
