"""A file system of its own in a file, which can be filled up and lose its power."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import threading

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, of ext4 and xfs alike...
WITHOUT_LOG = struct.pack("=I", 2)  # ...without writing the journal first.
# A smaller XFS mkfs makes only if it is forced to. The file is sparse.
IMAGE_BYTES = {"ext4": 512 << 20, "xfs": 512 << 20}
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
MARK_BYTES = 4096


def kinds():
    """Those that can be made here."""
    return [kind for kind in IMAGE_BYTES if shutil.which("mkfs." + kind)]


def have_own_mounts():
    """What this process and its children mount is theirs alone, and gone when they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mounts of our own")


class Disk:
    """The file `path`.image, mounted at `path`. Several threads may use it."""

    def __init__(self, path, kind):
        self.image, self.path, self.kind = path + ".image", path, kind
        self._is_mounted = False
        self._lock = threading.Lock()
        os.mkdir(path)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES[kind])
        if not quietly("mkfs." + kind, "-q", self.image):
            raise OSError("mkfs.%s fails" % kind)

    def mount(self):
        options = ("-t", self.kind, "-o", "loop")
        self._is_mounted = quietly("mount", *options, self.image, self.path)
        if self._is_mounted and not os.path.exists(self.path + "/mark"):
            with open(self.path + "/mark", "wb") as file:
                file.write(bytes(MARK_BYTES))
        return self._is_mounted

    def unmount(self):
        # Remembered: of an XFS without power nobody learns that it is mounted.
        if self._is_mounted and not quietly("umount", self.path):
            quietly("umount", "-l", self.path)
        self._is_mounted = False

    def cut(self):
        """What is not synced by now will not be there."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, WITHOUT_LOG)
        finally:
            os.close(fd)

    def lose_power(self, meanwhile):
        """Cut, and mounted again once `meanwhile` has ended whoever uses it. Answers whether that
        lost anything: what was written just before and not synced."""
        with self._lock:
            self._mark(b"synced", is_synced=True)
            self._mark(b"in vain", is_synced=False)
            self.cut()
            meanwhile()
            self.unmount()
            if not self.mount():
                raise OSError("the file system is gone: " + self.path)
            with open(self.path + "/mark", "rb") as file:
                return file.read().startswith(b"synced")

    def _mark(self, text, is_synced):
        """In place: there may be no room for more."""
        fd = os.open(self.path + "/mark", os.O_WRONLY)
        try:
            os.pwrite(fd, text, 0)
            if is_synced:
                os.fsync(fd)
        finally:
            os.close(fd)

    def fill(self):
        with self._lock:
            fd = os.open(self.path + "/ballast", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                fill_up(fd)
            finally:
                os.close(fd)

    def free(self):
        # A power cut may have taken the ballast, too.
        with self._lock, contextlib.suppress(FileNotFoundError):
            os.remove(self.path + "/ballast")


def fill_up(fd):
    """Reserves in ever smaller portions until nothing is left."""
    end, portion = 0, 64 << 20
    while portion >= 4096:
        try:
            os.posix_fallocate(fd, end, portion)
            end += portion
        except OSError:
            # What it had got by then it may have kept.
            end = max(end, os.fstat(fd).st_size)
            portion //= 2


def quietly(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0
