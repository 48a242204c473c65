"""How a fault of a request is told: its field by name, and a sentence."""

import re

Complaint = dict[str, str]
_LONGEST_NAME = 64


def complaint(field: str, problem: str) -> Complaint:
    """Return {"field", "error"} whose sentence is the field's name and what is wrong with it."""
    name = shown(field)
    return {"field": name, "error": f"{name} {problem}"}


def shown(name: str) -> str:
    """Return a name that came from outside so that it can stand in a sentence."""
    return re.sub(r"[^\w.:-]", "?", name)[:_LONGEST_NAME]


def of_jobs(wrong: int, total: int) -> str:
    """Return the sentence that counts the jobs of a batch that are not valid."""
    return f"{wrong} of {total} jobs {'is' if wrong == 1 else 'are'} invalid"
