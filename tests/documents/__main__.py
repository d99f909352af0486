"""`python -m tests.documents`: write the pages that are made from the code, and the tables that are copied."""

from tests.documents.hooks import ROOT
from tests.documents.pages import written

for path, text in written().items():
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"Written: {path.relative_to(ROOT)}")
