"""Real `troupe` processes for the tests in this folder: shells, nodes, addresses."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TROUPE = os.environ.get("TROUPE", "troupe")


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def wait_for(what, condition, seconds=20.0):
    """Polls until `condition` answers something true, and answers that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("waited %gs for %s" % (seconds, what))


class Shell:
    """`troupe shell` on pipes: one command in, one reply line out. Unless it follows redirects,
    each command is answered by the node that it names."""

    def __init__(self, *arguments, follow=False):
        options = ["--keep-going"] + ([] if follow else ["--no-follow"])
        self.process = subprocess.Popen(
            [TROUPE, "shell", *options, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command):
        self.send(command)
        return self.receive()

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the shell ended")
        return line.rstrip("\n")

    def expect(self, command, reply):
        got = self.run(command)
        print("%-60s %s" % (command, got), flush=True)
        assert got == reply, "%s\n  expected %r\n  got      %r" % (command, reply, got)

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Node:
    """`troupe node` in a process of its own."""

    def __init__(self, name, directory, address=None, program=TROUPE, arguments=()):
        self.name, self.directory, self.program = name, directory, program
        self.address = address or free_address()
        self.environment = {}  # Beside our own.
        self.arguments = list(arguments)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "node", "--name", self.name, "--listen", self.address]
            + ["--data", self.directory]
            + self.arguments,
            stdout=subprocess.PIPE,
            stderr=open(self.directory + ".log", "a"),
            text=True,
            env={**os.environ, **self.environment},
        )
        line = self.process.stdout.readline()
        assert "listening" in line, "node %s: %r" % (self.name, line)
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; answers the exit code."""
        self.process.terminate()
        code = self.process.wait(10)
        self.process.stdout.close()
        return code

    def running(self):
        return self.process is not None and self.process.poll() is None


def events(node, event, *words):
    """The lines of this event in the log of a node that have all the words."""
    with open(node.directory + ".log") as log:
        lines = log.read().splitlines()
    return [s for s in lines if s.endswith("event=" + event) and all(word in s for word in words)]


def wait_for_event(node, event, *words):
    """The first of these lines."""
    what = "%s %s in the log of %s" % (event, words, node.name)
    line = wait_for(what, lambda: events(node, event, *words))[0]
    print(line, flush=True)
    return line


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix="troupe-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def run_parts(*parts):
    """Runs one after the other, each with a directory of its own, and prints which."""
    for part in parts:
        print("==", part.__name__.replace("_", " "), flush=True)
        with directory() as path:
            part(path)


@contextlib.contextmanager
def running(nodes, options=""):
    """The nodes with peer1, peer2, ... in one configuration, and a JSON shell."""
    try:
        for node in nodes:
            node.start()
        shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
        peers = ["peer%d@%s" % (i + 1, n.address) for i, n in enumerate(nodes)]
        for peer in peers:
            assert ask(shell, "start_peer kv_store %s %s" % (peer, options))["ok"]
        assert ask(shell, "set_configuration %s %s" % (peers[0], " ".join(peers)))["ok"]
        yield peers, shell
        shell.close()
    finally:
        for node in nodes:
            if node.running():
                node.kill()


@contextlib.contextmanager
def three_nodes(options=""):
    """Three nodes a, b, c with peer1, peer2, peer3 in one configuration, and a JSON shell."""
    with directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abc"]
        with running(nodes, options) as (peers, shell):
            yield nodes, peers, shell


def ask(shell, command):
    return json.loads(shell.run(command))


def leader_of(shell, peers):
    """The full name of the leader as any of `peers` tells, or None."""
    for peer in peers:
        reply = ask(shell, "leader " + peer)
        if reply["ok"] and reply["value"]:
            return reply["value"]
    return None


def status(shell, peer):
    return ask(shell, "status " + peer).get("value", {})


def caught_up(shell, leader, peer):
    goal = status(shell, leader)["commit"]
    wait_for("%s to catch up" % peer, lambda: status(shell, peer).get("applied", 0) >= goal)
