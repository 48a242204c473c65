"""From the arguments to an exit code; no trouble that has a name ends in a trace."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from client.cli import looking, ordering
from client.cli.context import Context, build_context
from client.cli.faults import (
    FAILED,
    INTERRUPTED,
    NO_READER,
    USAGE,
    Stopped,
    UsageFault,
    code_of,
    key_advice,
    unsure,
)
from client.cli.parser import build_parser
from client.cli.screen import Screen
from client.errors import ClientError, JobFailed, Refused, Unauthorized

_COMMANDS: dict[str, Callable[[Context], int]] = {
    "generate": ordering.generate,
    "upscale": ordering.upscale,
    "batch": ordering.batch,
    "jobs": looking.jobs,
    "show": looking.show,
    "wait": looking.wait,
    "download": looking.download,
    "cancel": looking.cancel,
    "retry": looking.retry,
    "options": looking.options,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    try:
        options = build_parser().parse_args(arguments)
        return _run(options, Screen(machine=options.json, quiet=options.quiet))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # what is still in the buffer can't be written either, and would be complained about at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER


def _run(options: argparse.Namespace, screen: Screen) -> int:
    try:
        context = build_context(options, screen)
        with context.client, context.hasty:
            return _COMMANDS[options.command](context)
    except UsageFault as wrong:
        return _told(screen, str(wrong), USAGE)
    except Stopped as stopped:
        return _told(screen, str(stopped), FAILED)
    except ClientError as error:
        resumes = options.command == "batch" or len(getattr(options, "images", ())) > 1
        if resumes:
            screen.say("What is ordered is not lost: run the same command again to go on.")
        advice = key_advice(given=context.client.has_key)
        return _refused(screen, error, advice, resumes=resumes)
    except BrokenPipeError:
        raise
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return _told(screen, f"{where}{problem.strerror or problem}", FAILED)


def _told(screen: Screen, message: str, code: int) -> int:
    screen.fault(message)
    if screen.machine:
        screen.result("", {"error": message, "error_code": None, "exit_code": code})
    return code


def _refused(screen: Screen, error: ClientError, on_keys: str, *, resumes: bool) -> int:
    """Tell a fault of the service: each thing that is wrong, and the id under which it was logged."""
    code = code_of(error)
    screen.fault(error.message)
    for each in error.errors:
        if each.get("error") != error.message:
            number = f"{each['index'] + 1}: " if isinstance(each.get("index"), int) else ""
            screen.note(f"  {number}{each.get('field')}: {each.get('error')}")
    if isinstance(error, Unauthorized):
        screen.note(on_keys)
    if error.idempotency_key and not isinstance(error, Refused) and not resumes:
        screen.note(unsure(error.idempotency_key))
    if error.request_id:
        screen.note(f"  request {error.request_id}")
    if isinstance(error, JobFailed):
        screen.note(f"  job {error.job.job_id}")
    if screen.machine:
        told = (
            dict(error.job.raw)
            if isinstance(error, JobFailed)
            else {
                "error": error.message,
                "error_code": error.error_code,
                "errors": list(error.errors),
                "status": error.status,
                "request_id": error.request_id,
                "idempotency_key": None if resumes else error.idempotency_key,
                "exit_code": code,
            }
        )
        screen.result("", told)
    return code
