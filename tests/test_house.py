from pathlib import Path

from tests.house import measure

CODE = '''class First: ...
class Second(First):
    def _helper(self):
        """Returns one."""
        return 1

    def method(self):
        total = self._helper()
        total += 1
        return total
'''


def test_a_package_is_measured(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "types.py").write_text(CODE)
    (tmp_path / "errors.py").touch()
    (tmp_path / "__main__.py").touch()
    measures = measure(tmp_path)
    assert (measures["files at the top"], measures["files"], measures["lines"]) == ("1", "3", "10")
    assert measures["functions of at most two lines"] == "1"
    assert measures["private helpers, used once, of at most six lines"] == "1, 1, 1"
    assert (measures["types in search"], measures["types in selection"]) == ("2", "0")
    assert measures["deepest inheritance"] == "2"
    assert measures["longest function"] == "3 (search/types.py:method)"
