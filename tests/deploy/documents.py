"""What docs/team.md tells its readers to type."""

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "team.md").read_text()


def section(heading: str) -> str:
    """What stands below a heading, up to the next of any level."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", TEXT, re.M | re.S)
    return str(found)


def code_below(heading: str, language: str) -> str:
    """The blocks of code in a language below a heading, as one."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", section(heading), re.S))
