"""A stand-in for the provider that costs next to nothing: `python -m benchmarks.stand_in PORT`.

It answers every call with one picture, after the milliseconds that the prompt names (`latency=50`).
The sandbox draws each picture, which takes longer than all that is measured beside it.
"""

import asyncio
import io
import re
import sys

from PIL import Image

_SIDE = 640
_SEED = 7


def _picture() -> bytes:
    """Return a WebP of about 150 KB: noise, which does not compress."""
    out = io.BytesIO()
    Image.effect_noise((_SIDE, _SIDE), 60).convert("RGB").save(out, "WEBP", quality=75, method=0)
    return out.getvalue()


async def _serve(port: int) -> None:
    picture = _picture()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: image/webp\r\nfinish-reason: SUCCESS\r\n"
        f"seed: {_SEED}\r\nx-request-id: {'0' * 32}\r\nContent-Length: {len(picture)}\r\n"
        "Connection: close\r\n\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", told)
        body = await reader.readexactly(int(length[1]) if length else 0)
        latency = re.search(rb"latency=(\d+)", body)
        await asyncio.sleep(int(latency[1]) / 1000 if latency else 0)
        writer.write(head.encode() + picture)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
