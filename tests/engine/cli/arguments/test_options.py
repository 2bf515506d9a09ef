"""What is typed for an option is read as people write it, and refused in words."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from engine.cli.arguments.options import byte_count, whole_number


@pytest.mark.parametrize(
    ("text", "count"), [("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1048576", 1 << 20), ("0", 0)]
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert byte_count(text) == count


@pytest.mark.parametrize("text", ["lots", "5 apples", "-1MB", "nan", "1e40"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a size; write 500MB or 2GiB"):
        byte_count(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "٣", "", "1" * 19])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a whole number of 0 or more"):
        whole_number(text)
