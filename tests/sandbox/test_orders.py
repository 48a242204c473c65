from typing import Any

import pytest

from sandbox.errors import ControlError
from sandbox.faults import KINDS, Fault
from sandbox.orders import read_fault


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_ordered_bare(kind: str) -> None:
    assert read_fault({"kind": kind}) == Fault(kind)


@pytest.mark.parametrize(
    ("order", "charged"),
    [
        ({"kind": "cut"}, True),
        ({"kind": "filtered"}, True),
        ({"kind": "moderated"}, False),
        ({"kind": "429"}, False),
        ({"kind": "status"}, False),
        ({"kind": "status", "charged": True}, True),
        ({"kind": "reset"}, True),
        ({"kind": "reset", "charged": False}, False),
        ({"kind": "hang"}, False),
        ({"kind": "hang", "charged": True}, True),
    ],
)
def test_knows_which_faults_cost_credits(order: dict[str, Any], charged: bool) -> None:
    assert read_fault(order).charged is charged


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ([], "a fault is an object with a kind; kinds: moderated"),
        ({"kind": "explode"}, "a fault is an object with a kind"),
        ({"kind": "cut", "bytes": 3}, "unknown bytes; cut takes: kind, count"),
        ({"kind": "cut", "count": 0}, "count: must be a whole number from 1"),
        ({"kind": "cut", "operation": "generate/cor"}, "operation: must be one of"),
        ({"kind": "cut", "prompt_contains": 3}, "prompt_contains: must be a string"),
        ({"kind": "status", "status": 200}, "status: must be a status from 400 to 599"),
        ({"kind": "status", "html": "yes"}, "html: must be true or false"),
        ({"kind": "slow", "seconds": -1}, "seconds: must be a number not below 0"),
        ({"kind": "huge", "bytes": 1.5}, "bytes: must be a number not below 0"),
    ],
)
def test_names_what_is_wrong_with_an_order(order: object, problem: str) -> None:
    with pytest.raises(ControlError) as raised:
        read_fault(order)

    assert str(raised.value).startswith(problem)
