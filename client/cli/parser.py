"""The commands and their options; what a field may hold is the service's to say."""

import argparse
from collections.abc import Mapping
from typing import TypeAlias

from client.cli.faults import EXPLAINED

_START = """\
examples:
  python -m client generate "A red fox in the snow"
  python -m client generate "A red fox in the snow" --model ultra --aspect-ratio 16:9 --dry-run
  python -m client batch prompts.txt --out pictures
  python -m client upscale photo.png
  python -m client jobs --status failed

The service is that of --url or IMAGE_API_URL, else http://127.0.0.1:5000. Its client key, if it asks
for one, comes from --key-file or IMAGE_API_KEY. What models, ratios and styles there are:
python -m client options

"""
_BATCH = """\
PROMPTS is text with one prompt a line (empty lines and lines with # in front are left out), or .jsonl
(one body of /generate_image a line), or .csv (its first line names the fields; metadata.x goes into
the metadata). "name" in a line of the last two becomes part of the file's name. - reads from stdin.

The folder remembers in .batch.json what was ordered. After Ctrl-C, a crash, or a lost network run the
same command again: it goes on, and pays for nothing twice. New prompts are ordered, those that are
known are not. Keep the file as long as you add to the batch.

examples:
  python -m client batch prompts.txt --out pictures
  python -m client batch prompts.txt --out pictures --retry-failed
  python -m client batch prompts.csv --out pictures --model ultra --dry-run
"""
_GENERATE = """\
examples:
  python -m client generate "A red fox in the snow"
  python -m client generate "A red fox in the snow" --seed 7 --out pictures --name fox
  python -m client generate "A red fox in the snow" --format png --out - > fox.png
"""
_UPSCALE = """\
One image goes beside itself (photo.png becomes photo-4x.webp) or into --out. Of several images the
folder remembers what was ordered, as for batch: run the same command again to go on.

examples:
  python -m client upscale photo.png
  python -m client upscale photo.png --mode conservative --prompt "A cat on a roof"
  python -m client upscale photos/*.png --out large
  python -m client upscale https://example.com/photo.png
"""
_Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - its only name
# An option and the field of the request that it fills.
_GENERATE_FIELDS = {"--model": "model", "--aspect-ratio": "aspect_ratio"}
_UPSCALE_FIELDS = {"--mode": "mode", "--prompt": "prompt"}
_FIELDS = {
    "--style": "style_preset",
    "--negative": "negative_prompt",
    "--format": "output_format",
    "--webhook": "webhook_url",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m client",
        description="Order images from a Stability AI Image API, and fetch them.",
        epilog=_START + EXPLAINED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_orders(commands)
    _add_others(commands)
    return parser


def _add_orders(commands: _Parsers) -> None:
    generate = _command(commands, "generate", "make an image from a prompt", _GENERATE)
    generate.add_argument("prompt", metavar="PROMPT")
    _add_fields(generate, _GENERATE_FIELDS | _FIELDS)
    _add_saving(generate, "folder for the image, - for stdout (default: this folder)")
    _add_single(generate)

    upscale = _command(commands, "upscale", "enlarge images", _UPSCALE)
    upscale.add_argument("images", nargs="+", metavar="FILE")
    _add_fields(upscale, _UPSCALE_FIELDS | _FIELDS)
    upscale.add_argument("--creativity", type=float, metavar="X")
    _add_saving(upscale, "folder for the images, - for stdout (default: that of the image)")
    _add_single(upscale)
    _add_resuming(upscale)

    batch = _command(commands, "batch", "make an image for each prompt of a file", _BATCH)
    batch.add_argument("prompts", metavar="PROMPTS")
    _add_fields(batch, _GENERATE_FIELDS | _FIELDS)
    _add_saving(batch, "folder for the images (default: PROMPTS without its suffix, and -images)")
    _add_resuming(batch)


def _add_others(commands: _Parsers) -> None:
    jobs = _command(commands, "jobs", "list jobs, the newest first")
    for name in ("status", "kind", "batch"):
        jobs.add_argument(f"--{name}", metavar=name.upper())
    jobs.add_argument("--limit", type=_count, default=20, metavar="N", help="(default: 20)")

    show = _command(commands, "show", "tell everything about a job")
    show.add_argument("job", metavar="JOB")

    wait = _command(commands, "wait", "wait until jobs have ended")
    _add_ids(wait)
    wait.add_argument("--timeout", type=float, metavar="SECONDS")

    download = _command(commands, "download", "fetch the images of jobs, or batches as zip files")
    _add_ids(download)
    _add_saving(download, "folder for the files, - for stdout (default: this folder)")

    cancel = _command(commands, "cancel", "cancel jobs or batches")
    _add_ids(cancel)

    retry = _command(commands, "retry", "order failed or canceled jobs again, which is paid again")
    _add_ids(retry, batches=False)

    _command(commands, "options", "tell which models, modes, ratios and styles the service takes")


def _command(commands: _Parsers, name: str, what: str, more: str = "") -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    service = command.add_argument_group("service and output")
    service.add_argument("--url", help="the service's address (IMAGE_API_URL)")
    service.add_argument(
        "--key-file", metavar="FILE", help="a file that holds the client key (IMAGE_API_KEY)"
    )
    service.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        help="how long to sit out a service that is away or full",
    )
    service.add_argument("--json", action="store_true", help="JSON on stdout, one object a line")
    service.add_argument("--quiet", action="store_true", help="nothing on stderr but faults")
    return command


def _add_fields(command: argparse.ArgumentParser, named: Mapping[str, str]) -> None:
    fields = command.add_argument_group("what is ordered (see: python -m client options)")
    for option, field in named.items():
        fields.add_argument(option, dest=field, metavar="X")
    fields.add_argument("--seed", type=int, metavar="N")
    fields.add_argument("--deadline", dest="deadline_seconds", type=int, metavar="SECONDS")
    fields.add_argument(
        "--metadata",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="given back with the job",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="tell the price; nothing is ordered"
    )
    command.add_argument(
        "--cancel-on-interrupt", action="store_true", help="Ctrl-C cancels what is ordered"
    )


def _add_saving(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--out", metavar="FOLDER", help=what)
    command.add_argument(
        "--name", metavar="TEMPLATE", help="the files' names, as {slug}-{seed}; the suffix is added"
    )


def _add_single(command: argparse.ArgumentParser) -> None:
    command.add_argument("--no-wait", action="store_true", help="order, and tell the job's id")
    command.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="wait no longer than this"
    )
    command.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="order under this key: the same order again within a day is the same job, paid once",
    )


def _add_resuming(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--retry-failed", action="store_true", help="order again what failed in an earlier run"
    )
    command.add_argument(
        "--order-again",
        action="store_true",
        help="order again what may have been ordered already, and may be paid twice",
    )
    command.add_argument(
        "--batch-size",
        type=_count,
        default=100,
        metavar="N",
        help="jobs sent as one (default: 100)",
    )


def _add_ids(command: argparse.ArgumentParser, *, batches: bool = True) -> None:
    command.add_argument("ids", nargs="+", metavar="ID")
    if batches:
        command.add_argument("--batch", action="store_true", help="the ids are those of batches")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
