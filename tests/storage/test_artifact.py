"""The file format: what was written comes back, whatever is damaged or made up is refused."""

import hashlib
import json
import os
import pickle
import struct

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from cromel_sklearn import CheckpointError
from cromel_sklearn.storage import artifact, regular_file
from cromel_sklearn.storage.artifact import artifact_bytes, read_artifact, write_artifact
from cromel_sklearn.storage.tensors import require_tensors

KIND = "cromel_example"
HEADER = {"name": 'ä "quoted" \n', "sizes": [1, 2], "more": {"sha256": "x"}, "nothing": None}
TENSORS = {
    "weight": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
    "half": np.array([0.5], dtype=np.float16),
    "number": np.array(3),
    "none": np.empty((0, 4)),
    "flags": np.array([True, False]),
    "big_endian": np.array([1, 2], dtype=">i4"),
}


@pytest.fixture
def path(tmp_path):
    write_artifact(tmp_path / "example.safetensors", KIND, 3, HEADER, TENSORS)
    return tmp_path / "example.safetensors"


def _with_header(path, outer, data: bytes = b""):
    """Write a safetensors file whose header is `outer`, whatever that is."""
    text = outer if isinstance(outer, bytes) else json.dumps(outer).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def _with_text(path, text: str, tensors=TENSORS):
    """Write a file of the kind with any text as its header, without a digest."""
    path.write_bytes(save({"weight": TENSORS["weight"]}, metadata={KIND: text}))


@pytest.mark.parametrize("mapped", [False, True])
def test_what_was_written_comes_back(path, mapped):
    header, tensors = read_artifact(path, KIND, 3, mapped=mapped)
    assert header == HEADER
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        assert np.array_equal(tensor, TENSORS[name])
        assert tensor.shape == TENSORS[name].shape
        assert tensor.dtype == TENSORS[name].dtype.newbyteorder("=")


def test_the_same_content_gives_the_same_bytes(path):
    again = artifact_bytes(KIND, 3, HEADER, dict(reversed(TENSORS.items())))
    assert again == path.read_bytes()


@pytest.mark.parametrize("mapped", [False, True])
def test_every_flipped_bit_is_noticed(path, mapped):
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (1 << np.arange(8)).tolist() if place < 100 else [1 << place % 8]:
            damaged = bytearray(content)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(CheckpointError) as caught:
                read_artifact(path, KIND, 3, mapped=mapped)
            assert "\n" not in str(caught.value)


def test_every_truncation_and_extension_is_noticed(path):
    content = path.read_bytes()
    for n_bytes in range(0, len(content), 3):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(CheckpointError, match="is truncated"):
            read_artifact(path, KIND, 3)
    path.write_bytes(content[:9])
    with pytest.raises(CheckpointError, match="it ends within its header"):
        read_artifact(path, KIND, 3)
    path.write_bytes(content + b"\0")
    with pytest.raises(CheckpointError, match="truncated or damaged: its content is not that of"):
        read_artifact(path, KIND, 3)


def test_header_of_any_length_is_read(tmp_path):
    """Some lengths begin with the byte that pickles begin with."""
    path, starts = tmp_path / "example.safetensors", set()
    for n in range(40):
        write_artifact(path, KIND, 1, {"padding": 8 * n * "x"}, {})
        starts.add(path.read_bytes()[:1])
        assert read_artifact(path, KIND, 1)[0] == {"padding": 8 * n * "x"}
    assert b"\x80" in starts


@pytest.mark.parametrize(
    ("outer", "message"),
    [
        (b"", "not a safetensors file: Expecting value"),
        (b"null", "its header is no dictionary"),
        (b"[]", "its header is no dictionary"),
        (b"[" * 400 + b"]" * 400, "nested more than 32 deep"),
        (b"[" * 10**6, "not a safetensors file: "),
        (b'{"a": {}, "a": {}}', "its header names something twice"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "not a safetensors file: "),
        (b"\xff\xfe", "not a safetensors file: "),
        ({}, "it has no header 'cromel_example'"),
        ({"__metadata__": None}, "it has no header 'cromel_example'"),
        ({"__metadata__": []}, "it has no header 'cromel_example'"),
        ({"__metadata__": {KIND: 1}}, "it has no header 'cromel_example'"),
    ],
)
def test_headers_that_are_none_are_refused(path, outer, message):
    _with_header(path, outer)
    with pytest.raises(CheckpointError, match=message):
        read_artifact(path, KIND, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged: JSONDecodeError, Expecting value"),
        ("null", "its header is None, expected names and values"),
        ("[]", r"its header is \[\], expected names and values"),
        ("{}", "has format version None, this package reads 3"),
        ('{"format_version": {"a": []}}', "has format version {'a': .*}, this package reads 3"),
        ('{"format_version": 3.5}', "has format version 3.5, this package reads 3"),
        ('{"format_version": 3}', "it carries no digest of its content"),
        ('{"format_version": 3, "sha256": 7}', "its content is not that of its digest"),
        ('{"format_version": 3, "sha256": "é"}', "its content is not that of its digest"),
        ('{"sha256":"' + "0" * 64 + '","format_version":3}', "is not that of its digest"),
        ('{"a": ' + "[" * 400 + "]" * 400 + "}", "nested more than 32 deep"),
        ('{"a": ' + "[" * 10**5, "is damaged: "),
    ],
)
def test_contents_of_headers_are_checked(path, text, message):
    _with_text(path, text)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_artifact(path, KIND, 3)
    assert len(str(caught.value)) < 1000 + len(str(path))
    assert caught.value.__cause__ is not None or "is damaged: " not in str(caught.value)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "U64", "?", None, 3, ["F32"]])
def test_unknown_types_of_tensors_are_refused(path, dtype, monkeypatch):
    header = json.dumps({"format_version": 3})
    outer = {
        "__metadata__": {KIND: header},
        "w": {"dtype": dtype, "shape": [2], "data_offsets": [0, 4]},
    }
    _with_header(path, outer, bytes(4))
    monkeypatch.setattr(artifact, "require_digest", lambda *_: None)  # as its author could
    with pytest.raises(CheckpointError, match="'w' is of type .*, expected one of F64, F32|unhash"):
        read_artifact(path, KIND, 3)


@pytest.mark.parametrize("shape", [[10**18], [-1], [2, 10**400], ["a"], None, {}, [1.5]])
def test_shapes_that_are_none_are_refused(path, shape, monkeypatch):
    header = json.dumps({"format_version": 3})
    outer = {
        "__metadata__": {KIND: header},
        "w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]},
    }
    _with_header(path, outer, bytes(4))
    monkeypatch.setattr(artifact, "require_digest", lambda *_: None)
    with pytest.raises(CheckpointError, match="is damaged: "):
        read_artifact(path, KIND, 3)


@pytest.mark.parametrize("write", [pickle.dumps, lambda value: b"PK\x03\x04" + bytes(60)])
def test_pickles_are_refused(path, write):
    path.write_bytes(write({"weights": 0}))
    with pytest.raises(CheckpointError, match="is a pickle .* it is refused"):
        read_artifact(path, KIND, 3)


def test_files_of_others_are_refused(path):
    save_file({"weights": np.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="but not of cromel-sklearn or not of this kind"):
        read_artifact(path, KIND, 3)
    write_artifact(path, "cromel_other", 3, {}, {})
    with pytest.raises(CheckpointError, match="it has no header 'cromel_example'"):
        read_artifact(path, KIND, 3)
    write_artifact(path, KIND, 2, {}, {})
    with pytest.raises(CheckpointError, match="has format version 2, this package reads 3"):
        read_artifact(path, KIND, 3)


def test_a_file_without_a_digest_is_refused(path):
    content = save({"weight": TENSORS["weight"]}, metadata={KIND: '{"format_version": 3, "a": 1}'})
    path.write_bytes(content)
    for checksum in (None, hashlib.sha256(content).hexdigest()):
        with pytest.raises(CheckpointError, match="written by a version before 0.6: it carries no"):
            read_artifact(path, KIND, 3, checksum=checksum)


def test_checksum_of_the_file_is_compared(path):
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_artifact(path, KIND, 3, checksum=checksum)[0] == HEADER
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256 is .*, expected 0123"):
        read_artifact(path, KIND, 3, checksum="0123")


def test_content_in_memory_is_read_as_a_file_is(path):
    assert read_artifact(path.read_bytes(), KIND, 3)[0] == HEADER
    with pytest.raises(CheckpointError, match="The embedded file is truncated"):
        read_artifact(path.read_bytes()[:-1], KIND, 3)


def test_only_regular_files_are_opened(tmp_path, monkeypatch, path):
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(CheckpointError, match="Could not read the checkpoint"):
            read_artifact(other, KIND, 3)
    for other in (tmp_path / "missing", "zero\0byte", "x" * 10_000):
        with pytest.raises(CheckpointError, match="Could not read the checkpoint"):
            read_artifact(other, KIND, 3)
    monkeypatch.setattr(regular_file, "LARGEST_FILE", 100)
    with pytest.raises(CheckpointError, match="bytes, at most 100 are read"):
        read_artifact(path, KIND, 3)


def test_what_no_file_can_hold_is_not_written(tmp_path):
    path = tmp_path / "example.safetensors"
    for tensor in (np.array(["a"]), np.array([1j]), np.array([None])):
        with pytest.raises(TypeError, match="the tensor 'a' is of type .*, which no file can hold"):
            write_artifact(path, KIND, 1, {}, {"a": tensor})
    with pytest.raises(TypeError, match="sha256 in the header is written by this package alone"):
        write_artifact(path, KIND, 1, {"sha256": ""}, {})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_artifact(path, KIND, 1, {"a": object()}, {})
    assert not path.exists()


def test_the_check_comes_before_anything_is_built(path):
    def check(header, tensors):
        require_tensors(tensors, [("weight", (header["sizes"][0], 3), "f")])

    with pytest.raises(CheckpointError, match="example.safetensors: The weights do not"):
        read_artifact(path, KIND, 3, check=check)
    with pytest.raises(CheckpointError, match="is damaged: KeyError, 'width'") as caught:
        read_artifact(path, KIND, 3, check=lambda header, tensors: header["width"])
    assert isinstance(caught.value.__cause__, KeyError)
