"""The one thing of EXIF that changes what a picture looks like."""

import struct

UPRIGHT = 1
_ORIENTATION, _SHORT = 0x0112, 3
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(tiff: bytes) -> int:
    """Return how a viewer turns a picture with these metadata: 1 (not at all) to 8.

    `tiff` is EXIF as it stands in its part of the file, without a name before it. What can't be read
    turns nothing, as in browsers.
    """
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, at)
        for entry in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + entry * 12)
            if tag == _ORIENTATION:
                known = kind == _SHORT and count == 1 and 1 <= value <= 8
                return int(value) if known else UPRIGHT
    except struct.error:
        pass  # an offset leads out of it
    return UPRIGHT
