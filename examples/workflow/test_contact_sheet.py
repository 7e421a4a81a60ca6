from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("contact_sheet.py")


def contact_sheet(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, "pictures"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_picture_is_on_the_sheet_in_order_and_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(20):
        colour = bytes([number * 10, 0, 255 - number])
        (tmp_path / "pictures" / f"{number:02}.ppm").write_bytes(b"P6 50 40 255\n" + colour * 2000)
    (tmp_path / "pictures" / "05.ppm").write_bytes(b"no picture at all, is it")

    done = contact_sheet(tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{number:02}.ppm" for number in range(20) if number != 5]
    assert "05.ppm is no whole PPM picture" in done.stderr
    head, pixels = (tmp_path / "sheet.ppm").read_bytes().split(b"\n", 1)
    assert head == b"P6 256 96 255"
    # The first pixel of the sixth picture on the sheet, which is the seventh of the folder.
    assert pixels[5 * 32 * 3 : 5 * 32 * 3 + 3] == bytes([60, 0, 249])


def test_a_folder_without_pictures_makes_an_empty_sheet(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()

    done = contact_sheet(tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "sheet.ppm").read_bytes() == b"P6 256 0 255\n"
