"""Pages of HTML that need nothing else: templates are filled, pictures are embedded, and all text is escaped."""

from __future__ import annotations

import base64


def render(template: str, package: str = "mnist_mlflow.reports", **content: object) -> str:
    """The page that a template of a package, this one unless another is named, makes of some content."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader(package, "."), autoescape=True, trim_blocks=True)
    return environment.get_template(template).render(**content)


def embedded(png: bytes) -> str:
    """A PNG file as an address that holds the picture itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
