"""Make a contact sheet of a folder's pictures: python contact_sheet.py FOLDER

One job a picture makes it small, all at once; one job puts them on a sheet when the last is done. A picture that
cannot be read is left out. The pictures are PPM files (P6, with one line of head), and so is the sheet: this needs no
library.
"""

from __future__ import annotations

import sys
from pathlib import Path

from localq import LocalQ, chord

q = LocalQ(path="sheet.db")
SIZE, COLUMNS = 32, 8


def read_ppm(path: str) -> tuple[int, int, bytes]:
    """Return width, height and pixels of a picture."""
    head, _, pixels = Path(path).read_bytes().partition(b"\n")
    said = head.split()
    if len(said) != 4 or said[0] != b"P6" or len(pixels) < int(said[1]) * int(said[2]) * 3:
        raise ValueError(f"{path} is no whole PPM picture")
    return int(said[1]), int(said[2]), pixels


@q.task(throws=(ValueError, OSError))
def thumbnail(path: str) -> dict[str, str]:
    width, height, pixels = read_ppm(path)
    small = bytearray()
    for y in range(SIZE):
        for x in range(SIZE):
            at = (y * height // SIZE * width + x * width // SIZE) * 3
            small += pixels[at : at + 3]
    return {"name": Path(path).name, "pixels": small.hex()}


@q.task
def contact_sheet(thumbnails: list[dict[str, str]], target: str) -> list[str]:
    rows = -(-len(thumbnails) // COLUMNS)
    width = COLUMNS * SIZE
    sheet = bytearray(width * rows * SIZE * 3)
    for number, one in enumerate(thumbnails):
        row, column = divmod(number, COLUMNS)
        pixels = bytes.fromhex(one["pixels"])
        for y in range(SIZE):
            at = ((row * SIZE + y) * width + column * SIZE) * 3
            sheet[at : at + SIZE * 3] = pixels[y * SIZE * 3 : (y + 1) * SIZE * 3]
    Path(target).write_bytes(b"P6 %d %d 255\n" % (width, rows * SIZE) + sheet)
    return [one["name"] for one in thumbnails]


folder = Path(sys.argv[1])
pictures = sorted(str(path) for path in folder.glob("*.ppm"))
header = [thumbnail.s(path) for path in pictures]

with q.running():
    result = chord(header, contact_sheet.s("sheet.ppm"), on_error="skip")()
    shown = result.get()
    for name in shown:
        print(name)
    for path, made in zip(pictures, result.parent or (), strict=False):
        if made.failed():
            print(f"{path}: {made.result}", file=sys.stderr)
