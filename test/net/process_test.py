"""What a node makes of the process that it is started as: closed descriptors, stray signals, and
directories that are not its own."""

import itertools
import os
import signal
import stat
import subprocess
import sys

import cluster
from cluster import Node, Shell, ask, wait_for

COUNTER = os.environ.get("COUNTER")
CLOSINGS = [c for n in (1, 2, 3) for c in itertools.combinations((0, 1, 2), n)]
STRAY = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE,
         signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR,
         signal.SIGRTMIN, signal.SIGRTMAX]


def main():
    with cluster.directory() as path:
        for closing in CLOSINGS:
            node_without(closing, cluster.TROUPE, "kv_store", "set k 1", path)
        if COUNTER:
            node_without((0, 1, 2), COUNTER, "counter", "add 1", path)
        shell_without_input(path)
        node_ignores_stray_signals(path)
        hangups_of_shells(path)
        directories_of_others(path)


def without(closing, *command):
    """`command` as a process that lacks these descriptors."""
    closed = " ".join("%d>&-" % fd for fd in closing)
    return subprocess.Popen(["sh", "-c", "exec %s; exec \"$@\"" % closed, "sh", *command],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def run_shell(program, *arguments):
    return subprocess.run([program, "shell", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)


def is_answered(program, address, command):
    return run_shell(program, "--connect", address, "-c", command).returncode == 0


def files_of(process):
    """What each descriptor of the process is open on."""
    directory = "/proc/%d/fd" % process.pid
    return {int(fd): os.readlink(directory + "/" + fd) for fd in os.listdir(directory)}


def node_without(closing, program, kind, write, path):
    """It starts, serves, logs and starts again: its store is whole."""
    data = os.path.join(path, "without-%s-%s" % ("".join(map(str, closing)), kind))
    for start in range(2):
        address = cluster.free_address()
        process = without(closing, program, "node", "--name", "a", "--listen", address,
                          "--data", data, "--log-level", "debug")
        try:
            wait_for("node without %s, start %d" % (closing, start),
                     lambda: process.poll() is not None or is_answered(program, address, "peers"))
            assert process.poll() is None, "node without %s ended, start %d" % (closing, start)
            if start == 0:
                assert is_answered(program, address, "start_peer %s p" % kind)
                assert is_answered(program, address, "set_configuration p p")
            wait_for("a write", lambda: is_answered(program, address, "write p " + write))
            low = {fd: name for fd, name in files_of(process).items() if fd < 3}
            print("without %-10s start %d: %s" % (closing, start, low), flush=True)
            assert low == {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"}, low
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()


def shell_without_input(path):
    """A shell whose input is closed ends as at the end of its input."""
    node = Node("s", os.path.join(path, "shell")).start()
    try:
        for arguments in (("--connect", node.address),
                          ("--name", "t", "--listen", cluster.free_address(), "--data",
                           os.path.join(path, "shell-own"))):
            process = without((0,), cluster.TROUPE, "shell", *arguments)
            try:
                assert process.wait(20) == 0
            except subprocess.TimeoutExpired:
                raise AssertionError("troupe shell %s <&- does not end" % arguments[0])
            finally:
                process.kill()
                process.wait()
    finally:
        node.kill()


def node_ignores_stray_signals(path):
    node = Node("n", os.path.join(path, "signals")).start()
    try:
        for number in STRAY:
            node.process.send_signal(number)
            # Two answers: the first may have been on its way before the signal was.
            for _ in range(2):
                assert is_answered(cluster.TROUPE, node.address, "peers"), "%r ended it" % number
            assert node.running(), "%r ended it" % number
        node.process.terminate()
        for number in STRAY:  # Nor does one of these cut an orderly end short.
            node.process.send_signal(number)
        assert node.process.wait(20) == 0
        print("a node goes on after %s" % ", ".join(signal.Signals(s).name for s in STRAY))
    finally:
        node.process.kill()
        node.process.wait()
        node.process.stdout.close()


def hangups_of_shells(path):
    """The end of a terminal ends a shell. One that has a node goes on, and so does one of nohup."""
    node = Node("h", os.path.join(path, "hangup")).start()
    try:
        shell = Shell("--connect", node.address, "--json")
        assert ask(shell, "peers")["ok"]
        shell.process.send_signal(signal.SIGHUP)
        assert shell.process.wait(20) == 1
        shell.close()
        with_node = Shell("--name", "g", "--listen", cluster.free_address(), "--data",
                          os.path.join(path, "hangup-own"), "--json")
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # For children, as nohup does.
        of_nohup = Shell("--connect", node.address, "--json")
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for shell in (with_node, of_nohup):
            assert ask(shell, "peers")["ok"]
            shell.process.send_signal(signal.SIGHUP)
            assert ask(shell, "peers")["ok"] and ask(shell, "peers")["ok"]
            shell.close()
            assert shell.process.returncode == 0
    finally:
        node.kill()


def directories_of_others(path):
    """A node writes only where nobody else can, and through no link."""
    previous = os.umask(0)
    try:
        os.mkdir(os.path.join(path, "above"), 0o755)
        node = Node("m", os.path.join(path, "above", "made")).start()
        assert node.stop() == 0
    finally:
        os.umask(previous)
    mode = stat.S_IMODE(os.stat(os.path.join(path, "above", "made")).st_mode)
    print("a new directory has mode %o" % mode)
    assert mode == 0o700, oct(mode)

    shared = os.path.join(path, "shared")
    os.mkdir(shared)
    os.chmod(shared, 0o777)
    precious = os.path.join(path, "precious")
    for mode in (0o777, 0o700):
        os.chmod(shared, mode)
        with open(precious, "w") as f:
            f.write("precious")
        if not os.path.islink(shared + "/LOCK"):
            os.symlink(precious, shared + "/LOCK")
        refused = subprocess.run(
            [cluster.TROUPE, "node", "--name", "a", "--listen", "127.0.0.1:0", "--data", shared],
            capture_output=True, text=True, timeout=20)
        print(refused.stderr.rstrip())
        expected = ("error: data: others can write to %s; chmod go-w, or choose another" % shared
                    if mode == 0o777 else
                    "error: %s/LOCK: open: it is a symbolic link, which a store does not follow"
                    % shared)
        assert (refused.returncode, refused.stderr.rstrip()) == (1, expected)
        with open(precious) as f:
            assert f.read() == "precious", "a node wrote through a link"


if __name__ == "__main__":
    sys.exit(main())
