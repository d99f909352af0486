"""Errors for the user: each says what is wrong, what is accepted, and what to type."""

import re

# `user:password@` of an address, but not `host:5000/…@…` unless a database reads it so; and secrets in its query.
PASSWORDS = re.compile(
    r"((?:postgresql|mysql|mariadb|mssql)(?:\+\w+)?://[^/\s:@]*:)\S*(?=@)|(://[^/\s:@]*:)(?!\d+(?:[/?#\s]|$))\S*(?=@)"
    r"|([?&;]\w*(?:password|passwd|pwd|secret|token)=)[^&;\s]+",
    re.IGNORECASE,
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what moves the cursor, or worse


class UserFacingError(Exception):
    """Something outside the command is wrong: data, a store, a model."""

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(without_passwords(message)))

    def _render_traceback_(self) -> list[str]:
        """The line that notebooks show in place of a traceback: IPython asks for it."""
        return [f"Error: {self}"]


class UsageError(UserFacingError):
    """The command itself is wrong."""

    exit_status = 2


class ParameterError(UsageError, ValueError):
    """A parameter has a value that it does not accept."""


class DataError(UserFacingError):
    """A data set is unreadable, or its content is not the expected one."""


class ImageError(UserFacingError, ValueError):
    """The input of a model is not images of digits."""


class TooMuchWorkError(ImageError):
    """The pictures of a stranger are more than is read for one."""


class ModelError(UserFacingError, ValueError):
    """The files of a model are not those of a model."""


class MissingLibraryError(UserFacingError, ImportError):
    """A library is missing that only some algorithms and models need."""


class UnsentError(UserFacingError):
    """The store did not take the result of a training, which a local folder keeps."""


def one_line(error: BaseException) -> str:
    """The first line of an error without passwords, with its type unless the message is for users.

    A line that announces others by a colon is followed by the last of them.
    """
    lines = without_passwords(str(error)).strip().splitlines() or [""]
    text = f"{lines[0]} {lines[-1].strip()}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    return text if isinstance(error, UserFacingError) else f"{type(error).__name__}: {text}".removesuffix(": ")


def printable(text: str) -> str:
    """The text with escapes for what a terminal obeys, and for bytes that are no text: names may be anybody's."""
    escaped = CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return escaped.encode(errors="backslashreplace").decode()


def without_passwords(text: str) -> str:
    """The text with three stars for each password of an address in it."""
    return PASSWORDS.sub(lambda match: f"{match[match.lastindex or 0]}***", text)
