"""Why a file cannot be read or written: what the system says, in a user's words."""

from __future__ import annotations

import errno

NOT_SAID = "its writer does not say why; check folder, rights and free space"
"""Of a library that reports a failure without the system's reason."""

_WORDS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the file is larger than this disk, or a limit of this system, allows",
}
if hasattr(errno, "EDQUOT"):  # not on Windows
    _WORDS[errno.EDQUOT] = "the quota of this disk is used up"


def reason_of(error: BaseException) -> str:
    """Return why the system refused, as the end of a sentence; :data:`NOT_SAID` where it is silent.

    Example:
        >>> reason_of(OSError(errno.ENOSPC, "No space left on device"))
        'the disk is full'
        >>> reason_of(OSError(errno.EIO, "Input/output error"))
        'input/output error'
    """
    if not isinstance(error, OSError) or not (said := error.strerror or str(error)):
        return NOT_SAID
    return _WORDS.get(error.errno or 0, f"{said[:1].lower()}{said[1:]}")


def cannot_be_used(error: OSError) -> str:
    """Return a sentence of a file, without its full stop."""
    return f"{error.filename or 'A file'} cannot be used: {reason_of(error)}"
