"""Parts are whole and unharmed, or made again; nobody else writes among them."""

import os
import random

import pytest

from cromel_sklearn.data.finished_parts import WHOLE_TABLE, FinishedParts, tidy, write_part
from cromel_sklearn.exceptions import InvalidTableError

JOB = {"encoder": "a"}
CONTENTS = [b"formula\nNaCl\n", b"MgO\n", b"CaO\n"]


def _begun(target, job=JOB, **options):
    return FinishedParts(target, job, **{"overwrite": False, "resume": False, **options})


def _add(parts, content):
    name = write_part(parts.folder, parts.n_parts, content, ".part")
    parts.add(name, len(content))


@pytest.fixture
def stopped(tmp_path):
    """Target of a run that was stopped after three parts, whose owner is gone."""
    parts = _begun(tmp_path / "out.csv")
    for content in CONTENTS:
        _add(parts, content)
    parts.release()
    return tmp_path / "out.csv"


def test_finished_parts_are_taken_over(stopped):
    parts = _begun(stopped, resume=True)
    assert [path.read_bytes() for path in parts.paths()] == CONTENTS
    assert (parts.n_parts, parts.n_bytes) == (3, sum(map(len, CONTENTS)))


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "missing"])
def test_a_damaged_part_and_those_after_it_are_made_again(damage, number, stopped):
    path = sorted(stopped.with_name("out.csv.unfinished").glob("part-*"))[number]
    content = bytearray(path.read_bytes())
    content[random.Random(number).randrange(len(content))] ^= 1 << number
    if damage == "missing":
        path.unlink()
        parts = _begun(stopped, resume=True)
    else:
        path.write_bytes({"flip": content, "cut": content[:-1], "empty": b""}[damage])
        with pytest.warns(UserWarning, match=f"part-00000{number}-.* is damaged; it and what come"):
            parts = _begun(stopped, resume=True)
    assert parts.n_parts == number
    for content in CONTENTS[number:]:
        _add(parts, content)
    assert [path.read_bytes() for path in parts.paths()] == CONTENTS


def test_every_flipped_bit_of_the_job_is_other_work(stopped):
    path = stopped.with_name("out.csv.unfinished") / "_job.json"
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            parts = _begun(stopped, resume=True)
        except InvalidTableError:
            continue
        assert parts.n_parts == 3  # white space of JSON
        parts.release()


def test_what_a_killed_writer_left_among_the_parts_is_removed(stopped):
    folder = stopped.with_name("out.csv.unfinished")
    (folder / ".cromel-0-0-1-0.partial").write_bytes(b"half")
    (folder / "note.txt").write_text("the user's")
    parts = _begun(stopped, resume=True)
    parts.remove()
    assert os.listdir(folder) == ["note.txt"]


def test_a_table_in_memory_is_written_again_unasked(tmp_path):
    parts = _begun(tmp_path / "out.csv", WHOLE_TABLE)
    _add(parts, b"half")
    parts.release()
    with pytest.raises(InvalidTableError, match="holds an unfinished run"):
        _begun(tmp_path / "out.csv")
    assert _begun(tmp_path / "out.csv", WHOLE_TABLE).n_parts == 0


def test_parts_that_other_processes_wrote_ahead_are_taken_over_up_to_the_first_gap(tmp_path):
    parts = _begun(tmp_path / "out.csv")
    parts.release()
    for number in (3, 1, 0, 1_000_000, 999_999):
        write_part(parts.folder, number, b"%d" % number, ".part")
    parts = _begun(tmp_path / "out.csv", resume=True)
    assert [path.read_bytes() for path in parts.paths()] == [b"0", b"1"]
    assert len(list(parts.folder.glob("part-*"))) == 2


@pytest.mark.parametrize("end", ["begin_joining", "release"])
def test_what_a_process_wrote_ahead_or_for_an_earlier_run_is_no_part(end, tmp_path):
    parts = _begun(tmp_path / "out.csv")
    _add(parts, b"new")
    write_part(parts.folder, 0, b"old", ".part")
    write_part(parts.folder, 2, b"ahead", ".part")
    getattr(parts, end)()
    assert [path.read_bytes() for path in parts.folder.glob("part-*")] == [b"new"]


def test_what_is_left_of_a_table_that_took_its_place_is_removed(stopped):
    parts = _begun(stopped, resume=True)
    parts.begin_joining()
    parts.release()
    assert not tidy(stopped)  # all parts are there: they may not have been joined
    stopped.write_bytes(b"".join(CONTENTS))
    parts.paths()[-1].unlink()  # as `remove` begins
    assert tidy(stopped)
    assert os.listdir(stopped.parent) == ["out.csv"]
