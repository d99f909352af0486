"""Errors for the person who typed: what was wrong, what is accepted, what to type."""

import re

# `user:password@` of an address, but not `host:5000/…@…`; and a password in its query.
PASSWORDS = re.compile(r"(://[^/\s:@]*:)(?!\d+(?:[/?#\s]|$))\S*(?=@)|([?&;]password=)[^&;\s]+", re.IGNORECASE)


class UserFacingError(Exception):
    """Something outside the command was wrong: data, a store, a model."""

    exit_status = 1


class UsageError(UserFacingError):
    """The command itself was wrong."""

    exit_status = 2


class ParameterError(UsageError, ValueError):
    """A parameter has a value that it does not accept."""


class DataError(UserFacingError):
    """A data set cannot be read, or is not what it says it is."""


class ImageError(UserFacingError, ValueError):
    """The images handed to a model are not images of digits."""


def one_line(error: BaseException) -> str:
    """The first line of an error, with its type where the message alone would not tell."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0] if isinstance(error, UserFacingError) else f"{type(error).__name__}: {lines[0]}".removesuffix(": ")


def without_passwords(text: str) -> str:
    """The text with three stars for each password of an address in it."""
    return PASSWORDS.sub(lambda match: f"{match[1] or match[2]}***", text)
