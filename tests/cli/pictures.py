"""PNG and JPEG files written by hand, for the tests of their readers."""

from __future__ import annotations

import struct
import zlib


def png(rows: list[list[tuple[int, ...]]], colour_type: int = 2) -> bytes:
    """8 bits a channel; colour_type 0: grey, 2: RGB, 4: grey and alpha, 6: RGB and alpha."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + b"".join(bytes(pixel) for pixel in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, colour_type, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def jpeg(blocks: list[list[tuple[int, ...]]]) -> bytes:
    """Baseline JPEG of blocks of 8 x 8 pixels of one value each: grey (one number) or YCbCr (three)."""
    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    channels = len(blocks[0][0])
    components = b"".join(bytes((i + 1, 0x11, 0)) for i in range(channels))
    head = (b"\xff\xd8" + segment(0xDB, bytes(1) + bytes([8]) * 64)  # every coefficient in steps of 8
            + segment(0xC0, struct.pack(">BHHB", 8, 8 * len(blocks), 8 * len(blocks[0]), channels) + components)
            # DC: twelve sizes of a difference, four bits each. AC: only "no more of the block", one bit.
            + segment(0xC4, b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
            + segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00")
            + segment(0xDA, bytes([channels]) + b"".join(bytes((i + 1, 0)) for i in range(channels)) + b"\x00\x3f\x00"))
    bits, last = "", [0] * channels
    for row in blocks:
        for pixel in row:
            for i, value in enumerate(pixel):
                difference = value - 128 - last[i]  # the DC coefficient is 8 (value - 128)
                last[i] = value - 128
                size = abs(difference).bit_length()
                stored = difference if difference > 0 else difference + (1 << size) - 1
                bits += f"{size:04b}" + (f"{stored:0{size}b}" if size else "") + "0"
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return head + data.replace(b"\xff", b"\xff\x00") + b"\xff\xd9"
