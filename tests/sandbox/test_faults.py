import pytest

from sandbox.errors import ProviderError
from sandbox.faults import Fault, Faults, chance_fault


def test_a_fault_meets_as_many_calls_as_it_counts() -> None:
    faults = Faults()
    faults.add(Fault("cut", count=2))

    met = [faults.take("generate/core") is not None for _ in range(3)]

    assert met == [True, True, False]


def test_a_fault_without_count_stays() -> None:
    faults = Faults()
    faults.add(Fault("cut", count=None))

    assert all(faults.take("generate/core") for _ in range(5))
    faults.clear()
    assert faults.take("generate/core") is None


@pytest.mark.parametrize(
    ("wanted", "operation", "met"),
    [
        (None, "generate/core", True),
        (None, "results", False),
        (None, "balance", False),
        ("results", "results", True),
        ("results", "pending", False),
        ("upscale", "upscale/fast", True),
        ("upscale", "generate/core", False),
        ("generate/sd3", "generate/ultra", False),
    ],
)
def test_a_fault_meets_the_operations_it_is_meant_for(
    wanted: str | None, operation: str, met: bool
) -> None:
    assert Fault("cut", operation=wanted).meets(operation, "") is met


def test_a_fault_may_wait_for_words_of_a_prompt() -> None:
    faults = Faults()
    faults.add(Fault("cut", prompt_contains="dog"))

    assert faults.take("generate/core", "a cat") is None
    assert faults.take("generate/core", "a dog") is not None


def test_a_marker_in_the_prompt_goes_before_the_queue() -> None:
    faults = Faults()
    faults.add(Fault("cut"))

    fault = faults.take("generate/core", "a cat [sandbox:moderated]")

    assert fault
    assert fault.kind == "moderated"
    assert len(faults.listed()) == 1


def test_an_unknown_marker_is_refused() -> None:
    with pytest.raises(ProviderError, match="unknown sandbox marker"):
        Faults().take("generate/core", "[sandbox:modrated]")


def test_chance_takes_the_share_it_is_given() -> None:
    assert chance_fault(0, ("cut",)) is None
    assert chance_fault(1, ()) is None
    fault = chance_fault(1, ("cut",))
    assert fault
    assert fault.kind == "cut"
