"""Is a properties file read as Java reads it, and are its placeholders filled in?"""

from __future__ import annotations

import getpass
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import SettingsError
from scalar_tx.settings.kinds import split_list
from scalar_tx.settings.placeholders import substitute
from scalar_tx.settings.properties_file import LARGEST_FILE, parse, read_file


def pairs(text: str) -> list[tuple[str, object]]:
    return [(one.name, one.value) for one in parse(text, "p")]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("a=b", [("a", "b")]),
        ("a:b", [("a", "b")]),
        ("a b", [("a", "b")]),
        ("  \t a \f = \t b ", [("a", "b ")]),
        ("a==b", [("a", "=b")]),
        ("a = = b", [("a", "= b")]),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=b", [("", "b")]),
        ("# c=d\n  ! e=f\n\n \t \na=b", [("a", "b")]),
        ("a=b#c!d", [("a", "b#c!d")]),
        ("a\\=\\:\\ b=c", [("a=: b", "c")]),
        ("a=b\\\n   c\\\r\n\td", [("a", "bcd")]),
        ("a=b\\\\\nc=d", [("a", "b\\"), ("c", "d")]),
        ("a=b\\\n# not a comment", [("a", "b# not a comment")]),
        ("a=b\\\n\nc=d", [("a", "b"), ("c", "d")]),
        ("a=b\\", [("a", "b")]),
        ("# ends in a backslash \\\na=b", [("a", "b")]),
        ("a\rb\r\nc\nd", [("a", ""), ("b", ""), ("c", ""), ("d", "")]),
        ('a=\\t\\n\\r\\f\\q\\"', [("a", '\t\n\r\fq"')]),
        ("a=\\u00e9\\u20AC", [("a", "é€")]),
        ("a=\\ud83d\\ude00", [("a", "😀")]),
        ("a=\\u0041bc", [("a", "Abc")]),
        ("\ufeffa=b", [("a", "b")]),
        ("a=b\u2028c\x85d", [("a", "b\u2028c\x85d")]),
        ("a=1\na=2", [("a", "1"), ("a", "2")]),
    ],
)
def test_syntax(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


def test_a_place_names_the_first_line_of_a_property() -> None:
    assert [one.place for one in parse("# x\n\na=b\\\n  c\nd=e", "f.properties")] == [
        "f.properties:3",
        "f.properties:5",
    ]


@pytest.mark.parametrize("text", ["a=\\u12", "a=\\u12g4", "\\uzzzz=1", "x=1\na=\\ud83d"])
def test_wrong_escapes_are_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"f\.properties:\d") as caught:
        parse(text, "f.properties")
    assert f":{text.count(chr(10)) + 1}" in caught.value.message


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    refusal = None
    try:
        parse(text, "p")
    except SettingsError as error:
        refusal = error.message
    assert refusal is None or "\\u" in refusal


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_what_is_escaped_comes_out_again(content: dict[str, str]) -> None:
    def escaped(text: str) -> str:
        units = text.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

    text = "\n".join(f"{escaped(key)}={escaped(value)}" for key, value in content.items())
    assert dict(pairs(text)) == content


def test_utf_8_first_then_latin_1(tmp_path: Path) -> None:
    file = tmp_path / "a.properties"
    file.write_bytes("a=é".encode())
    assert read_file(file)[0].value == "é"
    file.write_bytes("a=é".encode("latin-1"))
    assert read_file(file)[0].value == "é"


@pytest.mark.parametrize(
    "content,advice",
    [
        (b"SQLite format 3\x00 and so on", "sqlite:///"),
        (b"a\x00b", "properties file"),
        (b"#" * (LARGEST_FILE + 1), "properties file"),
    ],
)
def test_what_is_no_properties_file_is_refused(tmp_path: Path, content: bytes, advice: str) -> None:
    file = tmp_path / "shop.db"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_file(file)
    assert str(file) in caught.value.message
    assert advice in caught.value.advice


def test_what_can_t_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", tmp_path / ("x" * 300)):
        with pytest.raises(SettingsError, match="can't be read"):
            read_file(path)


def test_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "h1")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("ODD", "p${HOST}$\\")
    monkeypatch.delenv("UNSET", raising=False)
    for text, expected in {
        "${env:HOST}": "h1",
        "${HOST}": "h1",
        "a-${HOST}-${env:HOST}.b": "a-h1-h1.b",
        "${env:UNSET:-d:-e}": "d:-e",
        "${UNSET:-}": "",
        "${env:HOST:-d}": "h1",
        # Java's substitution takes the default for an unset name only.
        "${env:EMPTY:-d}": "",
        "${sys:some.thing:-x}": "x",
        "$${HOST}": "${HOST}",
        "$HOST and an open ${": "$HOST and an open ${",
        # What was put in is not looked at again.
        "${ODD}": "p${HOST}$\\",
    }.items():
        assert substitute(text, "p:1") == expected
    assert substitute("${sys:user.dir}", "p:1") == str(Path.cwd())
    assert substitute("${sys:java.io.tmpdir}", "p:1") == tempfile.gettempdir()
    assert substitute("${sys:user.name}", "p:1") == getpass.getuser()


@pytest.mark.parametrize(
    "text,named",
    [
        ("${env:SCALAR_TX_UNSET}", "SCALAR_TX_UNSET"),
        ("${SCALAR_TX_UNSET}", "SCALAR_TX_UNSET"),
        ("${sys:scalar.tx.unset}", "scalar.tx.unset"),
        ("${file:secret.txt}", "file:secret.txt"),
        ("${}", "no placeholder"),
        ("${env:}", "no placeholder"),
        ("${env:A:-${env:B}}", "within a placeholder"),
    ],
)
def test_what_a_placeholder_can_t_find_is_named(text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=r"^p:7: ") as caught:
        substitute(text, "p:7")
    assert named in caught.value.message


@pytest.mark.parametrize(
    "text,expected",
    [
        ("a", ("a",)),
        ("a, b ,c", ("a", "b", "c")),
        (r"a\,b,c", ("a,b", "c")),
        (r"jdbc:x?p\=1\,2", ("jdbc:x?p=1,2",)),
        ("a,,b,", ("a", "b")),
        ("", ()),
    ],
)
def test_lists(text: str, expected: tuple[str, ...]) -> None:
    assert split_list(text) == expected
