"""What people type by mistake, and files of unknown origin."""

import gzip
import struct
from typing import Any

from hypothesis import strategies as st

anything = st.text(st.characters(), max_size=50)  # with NUL, newlines and lone surrogates
ODD = (
    *("", " ", "0", "-0", "1", "-1", "1.0", "1e3", "1e999", "nan", "-inf", "1_000", "0x10", "١٢", "9" * 5_000),
    *(
        "true",
        "auto",
        "all",
        "knn,svm",
        ",,",
        "a'b",
        'a"b',
        "a`b",
        "a\\b",
        "100%",
        "a\nb",
        "a;b",
        "--",
        "/*",
        "../..",
        "~",
    ),
    *("\0", "\udcff", "\ufeff", "é", "é", "٪", "x" * 300, "{}", "$HOME", "2026-13-45", "0001-01-01", "9999-12-31"),
)
typed = st.sampled_from(ODD) | anything | st.integers().map(str) | st.floats().map(str)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything.filter(lambda text: text.isprintable()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

SIZES = (0, 1, 2, 3, 28, 784, 2**16, 2**31, 2**32 - 1)


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """The bytes of an IDX file with an honest or a lying header, cut off or not, gzipped or not."""
    shape = draw(st.lists(st.sampled_from(SIZES), max_size=4) | st.just([1] * 70))
    magic = draw(st.sampled_from([b"\0\0\x08", b"\0\0\x0d", b"PK\3"]))
    content = magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + draw(st.binary(max_size=64))
    if draw(st.booleans()):
        content = gzip.compress(content)
    cut = draw(st.integers(0, len(content)))
    return content[:cut] if draw(st.booleans()) else content
