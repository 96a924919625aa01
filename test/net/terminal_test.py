"""A shell at a terminal, through a pseudo terminal: keys that nobody knows type nothing, quotes
reach over lines, and the terminal is as it was, whatever ends the shell."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import cluster
from cluster import TROUPE, Node, wait_for

SECONDS_MAX = 20
LFLAGS = 3  # Of what `tcgetattr` answers.

UNKNOWN_KEYS = {
    "F1": "\x1bOP",
    "F5": "\x1b[15~",
    "F12": "\x1b[24~",
    "Ctrl-F5": "\x1b[15;5~",
    "Insert": "\x1b[2~",
    "Page Up": "\x1b[5~",
    "Shift-Tab": "\x1b[Z",
    "F1 of a console": "\x1b[[A",
    "the beginning of a paste": "\x1b[200~",
}


def main():
    with cluster.directory() as path:
        node = Node("a", os.path.join(path, "a")).start()
        try:
            keys(node)
            quotes(node)
            for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU,
                           signal.SIGABRT, signal.SIGSEGV):
                ended_by(node, number)
            stopped_and_continued(node)
        finally:
            node.kill()


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, node):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.output = ""
        self.process = subprocess.Popen(
            [TROUPE, "shell", "--connect", node.address],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=self.be_in_foreground,
            env={**os.environ, "TERM": "xterm", "XDG_STATE_HOME": node.directory},
        )
        self.wait_for(r"troupe> $")
        self.pid = os.tcgetpgrp(self.master)

    def be_in_foreground(self):
        """As a job of an interactive shell, which alone can be stopped: the parent leads the
        session and waits, the child is a group of its own."""
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        child = os.fork()
        if child != 0:
            os.closerange(0, 256)
            status = os.waitpid(child, 0)[1]
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(self.slave, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        while select.select([self.master], [], [], 0.02)[0]:
            self.output += os.read(self.master, 65536).decode(errors="replace")

    def shown(self):
        """What was written since the last `forget`, without what moves the cursor."""
        self.read()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x08", "", self.output)

    def forget(self):
        self.read()
        self.output = ""

    def wait_for(self, pattern):
        wait_for(repr(pattern), lambda: re.search(pattern, self.shown()), SECONDS_MAX)

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before

    def is_edited(self):
        return not termios.tcgetattr(self.slave)[LFLAGS] & termios.ICANON

    def close(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self.master)
        os.close(self.slave)


@contextlib.contextmanager
def terminal(node):
    each = Terminal(node)
    try:
        yield each
    finally:
        each.close()


def keys(node):
    with terminal(node) as at:
        for name, key in UNKNOWN_KEYS.items():
            at.forget()
            at.type("no_" + key + "such\r")
            at.wait_for(r"\(try help\)\n")
            assert "error unknown_command no_such (try help)" in at.shown(), (name, at.shown())
        at.forget()
        # To the beginning of the word before, to the end of the line, and a letter back.
        at.type("one two\x1b[1;5DX\x1b[1;5CY\x1b[HZ\x1b[DW\x1b[FV\x1b[3~\r")
        at.wait_for(r"\(try help\)\n")
        assert "error unknown_command WZone (try help)" in at.shown(), at.shown()
        at.forget()
        at.type("ne\x1b[1~o\x1b[4~x\x1b[D\x1b[3~\r")
        at.wait_for(r"\(try help\)\n")
        assert "error unknown_command one (try help)" in at.shown(), at.shown()
        # Escape and a letter, with time between them, are Alt and that letter.
        at.forget()
        at.type("two words\x1b")
        time.sleep(0.3)
        at.type("b\x1bbx\r")
        at.wait_for(r"\(try help\)\n")
        assert "error unknown_command xtwo (try help)" in at.shown(), at.shown()
    print("keys that nobody knows type nothing", flush=True)


def quotes(node):
    with terminal(node) as at:
        at.type("frobnicate 'one\r")
        at.wait_for(r"\n> $")
        at.type("exit\r")
        at.wait_for(r"exit\n> $")
        at.forget()
        at.type("'\r")
        at.wait_for(r"error unknown_command frobnicate \(try help\)\ntroupe> $")
        # Ctrl-C gives up all of it.
        at.type("frobnicate 'one\r")
        at.wait_for(r"\n> $")
        at.type("\x03")
        at.wait_for(r"\^C\ntroupe> $")
        at.type("'\r")
        at.wait_for(r"\n> $")
        at.type("\x04")
        at.wait_for(r"error invalid the ' in line \d+ is not closed\n")
        assert at.process.wait(10) == 0
        assert at.is_as_before(), "the terminal"
    print("an open quote goes on in the next line", flush=True)


def ended_by(node, number):
    with terminal(node) as at:
        at.type("half a line")
        at.wait_for("half a line$")
        assert at.is_edited()
        if number == signal.SIGQUIT:
            at.type("\x1c")
        else:
            os.kill(at.pid, number)
        code = at.process.wait(10)
        assert at.is_as_before(), "%s leaves the terminal raw" % number.name
        print("%s: exit code %d, and the terminal is as before" % (number.name, code), flush=True)


def stopped_and_continued(node):
    with terminal(node) as at:
        at.type("frobni")
        at.wait_for("frobni$")
        at.type("\x1a")
        wait_for("the shell to stop", lambda: state_of(at.pid) == "T", SECONDS_MAX)
        assert at.is_as_before(), "SIGTSTP leaves the terminal raw"
        at.forget()
        os.kill(at.pid, signal.SIGCONT)
        at.wait_for("troupe> frobni$")
        assert at.is_edited()
        at.type("cate\r")
        at.wait_for(r"error unknown_command frobnicate \(try help\)\n")
    print("a shell that is stopped gives the terminal back, and goes on", flush=True)


def state_of(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


main()
