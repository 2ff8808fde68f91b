"""Files that lie about themselves: what is too much is refused, and nothing is waited for or followed."""

import io
import os
import random
import struct
import zipfile

import pytest

from course_lib.grading.untrusted_files import MOST_MEMBERS, Refused, in_student_zip, in_zip, on_disk

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


def packed(members, compression=zipfile.ZIP_DEFLATED):
    """A zip's bytes; members may be (name or ZipInfo, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def read_all(data, limit=1000):
    return {node.name: node.read(limit) for node in in_student_zip(data) if node.kind == "file"}


def test_folders_files_and_limits(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.ipynb").write_bytes(b"12345")
    a, b = on_disk(tmp_path).children()
    assert (a.name, a.kind, b.name, b.kind) == ("a.ipynb", "file", "b", "folder")
    assert a.read(5) == b"12345"
    with pytest.raises(Refused, match="larger than"):
        a.read(4)
    assert on_disk(tmp_path / "gone").kind == "special"


@posix
@pytest.mark.timeout(20)
def test_links_pipes_and_devices_are_not_opened(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "pipe")
    kinds = {node.name: node.kind for node in on_disk(tmp_path).children()}
    assert kinds == {"secret": "file", "link": "link", "pipe": "special"}
    for name, reason in (("link", "cannot be opened"), ("pipe", "no ordinary file")):
        with pytest.raises(Refused, match=reason):
            on_disk(tmp_path / name).read(10)
    with pytest.raises(Refused, match="no ordinary file"):
        on_disk(type(tmp_path)("/dev/zero")).read(10)


def test_a_tree_in_a_zip_with_names_that_climb():
    data = packed(
        [("../../x/a.ipynb", "1"), ("/x/b", "2"), ("x\\c", "3"), ("d/", ""), ("..", "4"), ("e", "5")]
    )
    nodes = {node.name: node for node in in_student_zip(data)}
    assert {name: node.kind for name, node in nodes.items()} == {"x": "folder", "d": "folder", "e": "file"}
    assert [(n.name, n.read(9)) for n in nodes["x"].children()] == [
        ("a.ipynb", b"1"),
        ("b", b"2"),
        ("c", b"3"),
    ]
    assert nodes["d"].children() == []


def test_a_link_in_a_zip():
    link = zipfile.ZipInfo("a.ipynb")
    link.external_attr = 0o120777 << 16
    (node,) = in_student_zip(packed([(link, "/etc/passwd")]))
    assert node.kind == "link"


def test_a_bomb_is_measured_while_it_is_read():
    data = packed([("a", b"\0" * 50_000_000)])
    assert len(data) < 100_000
    with pytest.raises(Refused, match="larger than"):
        read_all(data)
    small = data.replace(struct.pack("<L", 50_000_000), struct.pack("<L", 10))  # and says that it is small
    with pytest.raises(Refused, match="broken"):
        read_all(small)


def locked():
    data = bytearray(packed([("a", "1")]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def bad_checksum():
    return packed([("a", "hello hello")], zipfile.ZIP_STORED).replace(b"hello hello", b"jello hello")


def overlapping():
    data = bytearray(packed([("a", "1" * 500), ("b", "2" * 500)], zipfile.ZIP_STORED))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = b"\0\0\0\0"  # both now begin at the same place
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "broken"),
        (b"PK\x03\x04 and nothing", "broken"),
        (packed([("a", "1")])[:-10], "broken"),
        (packed([(str(i), "") for i in range(MOST_MEMBERS + 1)]), "more than 200"),
        (b"PK\x01\x02" * 100_000 + packed([("a", "1")]), "more than 200"),
        (packed([("a", "1" * 99)], zipfile.ZIP_LZMA), "unusual"),
        (packed([("a", "1" * 99)], zipfile.ZIP_BZIP2), "unusual"),
        (locked(), "password"),
        (bad_checksum(), "broken"),
        (overlapping(), "broken"),
    ],
    ids=[
        "empty",
        "text",
        "cut off",
        "many",
        "many announced",
        "lzma",
        "bzip2",
        "locked",
        "checksum",
        "overlapping",
    ],
)
def test_zips_that_are_refused(data, reason):
    with pytest.raises(Refused, match=reason):
        read_all(data)


def test_damaged_zips_give_bytes_or_a_reason():
    rng = random.Random(0)
    data = packed([("a.ipynb", "x" * 300), ("b/c.ipynb", rng.randbytes(50)), ("d.zip", packed([("e", "f")]))])
    refused = 0
    for _ in range(1500):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            read_all(bytes(damaged))
        except Refused:
            refused += 1
    assert 100 < refused < 1500


def test_the_zip_of_a_whole_class_may_hold_many():
    data = packed([(f"{i}/a.ipynb", "1") for i in range(500)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(in_zip(archive)) == 500
