"""A table whose rows may be kept small, so that a hundred thousand made-up bookings fit into little memory."""

import json
import zlib
from collections.abc import Iterator, Mapping, MutableMapping

from sandbox.calendly_values import Json

WINDOW = -12  # bits; raw: rows are a kilobyte or two
MEMORY = 4


class Packed(MutableMapping[str, Json]):
    """A dict of rows. What is assigned is kept as it is; what is packed becomes about 300 bytes, unpacked when read."""

    def __init__(self, rows: Mapping[str, Json] | None = None) -> None:
        self._rows: dict[str, Json | bytes] = dict(rows or {})
        self._example = b""  # the first packed row: the others name only where they differ

    def pack(self, key: str, row: Json) -> None:
        """Keep a row small."""
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
        self._example = self._example or text
        packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, self._example)
        self._rows[key] = packer.compress(text) + packer.flush()

    def __getitem__(self, key: str) -> Json:
        row = self._rows[key]
        if isinstance(row, dict):
            return row
        unpacked: Json = json.loads(zlib.decompressobj(WINDOW, self._example).decompress(row))
        return unpacked

    def __setitem__(self, key: str, row: Json) -> None:
        self._rows[key] = row

    def __delitem__(self, key: str) -> None:
        del self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def newest(self, count: int) -> list[Json]:
        """Return the rows that came last, oldest first, without looking at the others."""
        return [self[key] for key in list(self._rows)[-count:]] if count else []
