"""Half a file is never seen, and nothing is left behind."""

import os

import pytest

from course_lib.core.whole_files import write_whole


def test_text_and_bytes_arrive_and_folders_are_made(tmp_path):
    target = tmp_path / "new" / "folder" / "file.txt"
    write_whole(target, "é\n")
    assert target.read_bytes() == b"\xc3\xa9\n"
    write_whole(target, b"\x00\xff")
    assert target.read_bytes() == b"\x00\xff"
    assert os.listdir(target.parent) == ["file.txt"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch, fails):
    target = tmp_path / "file"
    write_whole(target, "old")

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, fails, stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
