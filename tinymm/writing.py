"""Files that are written whole or not at all, and kept to one writer at a time.

Every file that tinymm leaves behind is written by `replaced`, except a run's log, which grows line by line.
"""

import errno
import json
import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Lock", "check_writable", "hold", "json_bytes", "remove_leftovers", "replaced"]

# What a temporary file is called: nothing that a stranger could guess and put a link at, and short beside any name.
TEMPORARY = ".tinymm-{}.tmp"


@contextmanager
def replaced(path):
    """Write a file in one stroke: whoever opens it finds the old content or the new one, never half of it.

    Parameters
    ----------
    path : str or Path
        Its folder is made if need be. A link is replaced, not followed.

    Yields
    ------
    binary file
        A temporary one in the same folder, which takes the name at the end, and is removed if anything goes wrong.

    Raises
    ------
    OSError
        If it cannot be written; naming `path`, whichever file it came from.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced(f"{folder}/a.txt") as file:
    ...         _ = file.write(b"new")
    ...     Path(folder, "a.txt").read_text()
    'new'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_replaceable(path)
    temporary = path.with_name(TEMPORARY.format(secrets.token_hex(8)))
    try:
        with open(temporary, "xb") as file:  # x: it must be new; nor does that follow a link
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def json_bytes(content, indent=2):
    r"""JSON as UTF-8; half a surrogate pair, as names that are not UTF-8 have, becomes the escape that JSON has for it.

    Examples
    --------
    >>> json_bytes({"path": "caf\udce9", "word": "é"}, indent=None)
    b'{"path": "caf\\udce9", "word": "\xc3\xa9"}\n'
    """
    return (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def check_writable(path):
    """Raise OSError unless a file of this name could be written, before any work is done for it; nothing is made.

    Folders that do not exist yet count as writable where the nearest one above them is.

    Examples
    --------
    >>> check_writable("/")
    Traceback (most recent call last):
    IsADirectoryError: [Errno 21] Is a directory: '/'
    """
    if not os.fspath(path):
        raise FileNotFoundError(errno.ENOENT, "an empty name names no file", "")
    path = Path(os.path.abspath(path))
    above = next((folder for folder in path.parents if os.path.lexists(folder)), path)
    if not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(above))
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(above))
    for name in path.relative_to(above).parts:  # of folders that do not exist yet
        with suppress(FileNotFoundError):
            Path(above, name).lstat()  # raises what is wrong with a name: it is too long, say
    _check_replaceable(path)


def _check_replaceable(path):
    """A device or a pipe, such as /dev/null, must not be replaced by a file."""
    with suppress(FileNotFoundError):
        path.lstat()  # raises what is wrong with the name: it is too long, say
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "must be a regular file", str(path))


def remove_leftovers(folder):
    """Remove the temporary files of killed processes from a folder that nobody else writes to."""
    for path in Path(folder).glob(TEMPORARY.format("*")):
        with suppress(OSError):
            path.unlink()


def hold(file):
    """Keep an open file to this writer until it is closed, or the process ends however it may: whether it was free.

    On a file system without locks nobody is kept off.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file, open(file.name, "ab") as other:
    ...     hold(file), hold(other)
    (True, False)
    """
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


try:
    import fcntl
except ImportError:
    import msvcrt

    def _lock(file):
        """Windows: of one byte, far behind what is written, since nobody else may read it then."""
        place = file.tell()
        file.seek(2**40)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(place)
else:
    def _lock(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """A folder for one writer: a file in it that is held as long as the writer lives, and then removed.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    BlockingIOError
        If another holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = Lock(Path(folder))
    ...     try:
    ...         Lock(Path(folder))
    ...     except BlockingIOError as error:
    ...         print(error.strerror)
    ...     lock.release()
    ...     Lock(Path(folder)).release()
    is in use
    """

    def __init__(self, folder):
        self.path = folder / ".tinymm-lock"
        while True:
            self.file = open(self.path, "ab", opener=_without_links)
            if not hold(self.file):
                self.file.close()
                raise BlockingIOError(errno.EWOULDBLOCK, "is in use", str(folder))
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self.file.fileno()), os.stat(self.path)):
                    return
            self.file.close()  # whoever held it before has removed it meanwhile

    def release(self):
        """Let others in."""
        with suppress(OSError):  # Windows keeps it, which does no harm
            os.unlink(self.path)  # before others may hold it, so that nobody's lock is removed
        self.file.close()


def _without_links(path, flags):
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
