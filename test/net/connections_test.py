"""Many connections and few files: who has a place at a node, and what the others are told."""

import contextlib
import os
import resource
import socket
import struct
import subprocess
import time

import cluster
from cluster import Node, Shell, ask, wait_for

CONNECTIONS_MAX = 24
LINKS_MAX = 8  # Of a node that may open 128 files.


def main():
    with cluster.directory() as path:
        too_few_files(os.path.join(path, "few"))
        idle_clients_keep_nobody_out(os.path.join(path, "idle"))
        one_source_keeps_nobody_out(os.path.join(path, "source"))
        who_is_turned_away_is_told(os.path.join(path, "full"))
        accepting_pauses(os.path.join(path, "paused"))
        links_are_bounded(os.path.join(path, "links"))


def limits(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def too_few_files(directory):
    """A node with too few files says how many it needs; one that may have more takes them."""
    ran = subprocess.run(
        [cluster.TROUPE, "node", "--name", "a", "--listen", cluster.free_address()]
        + ["--data", directory],
        preexec_fn=limits(100, 100), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=20, text=True,
    )  # fmt: skip
    print(ran.returncode, ran.stdout.strip(), flush=True)
    assert ran.returncode == 1, ran.returncode
    assert "this process may open 100 files; a node needs 128" in ran.stdout, ran.stdout

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    node = Node("a", directory)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        node.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE) == (before[1], before[1])
    assert node.stop() == 0


@contextlib.contextmanager
def served(directory, *arguments):
    """A node with one peer that leads."""
    node = Node("a", directory, arguments=arguments).start()
    peer = "p@" + node.address
    shell = Shell("--connect", node.address, "--json")
    try:
        assert ask(shell, "start_peer kv_store " + peer)["ok"]
        assert ask(shell, "set_configuration %s %s" % (peer, peer))["ok"]
        wait_for("a write", lambda: ask(shell, "write %s set k 1" % peer)["ok"])
        shell.close()
        yield node, peer
    finally:
        node.kill()


def connect(node, source="127.0.0.1"):
    host, port = node.address.split(":")
    guest = socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0))
    guest.settimeout(10)
    return guest


def read_frame(connection):
    frame = b""
    while len(frame) < 8 or len(frame) < 8 + struct.unpack_from("<I", frame)[0]:
        more = connection.recv(65536)
        assert more, "closed after %r" % frame
        frame += more
    return frame


class Guests:
    """Connections that have said hello, in the node's own words."""

    def __init__(self, node, stack):
        self.node, self.stack = node, stack
        with contextlib.closing(connect(node)) as first:
            self.hello = read_frame(first)
        self.guests = []

    def come(self, count, source="127.0.0.1"):
        for _ in range(count):
            guest = self.stack.enter_context(contextlib.closing(connect(self.node, source)))
            guest.sendall(self.hello)
            self.guests.append(guest)

    def talk(self):
        """Each goes on with a frame that it does not complete. Those that ended are forgotten."""
        for guest in list(self.guests):
            try:
                guest.sendall(b"\0")
            except OSError:
                self.guests.remove(guest)


def is_served(node, peer):
    shell = Shell("--connect", node.address, "--json", "--timeout", "5s")
    try:
        return ask(shell, "read %s get k" % peer)
    finally:
        shell.close()


def idle_clients_keep_nobody_out(directory):
    """They have said hello, and nothing else, from the same machine as the others."""
    with served(directory, "--connections-max", str(CONNECTIONS_MAX)) as (node, peer):
        with contextlib.ExitStack() as stack:
            Guests(node, stack).come(10 * CONNECTIONS_MAX)
            started = time.monotonic()
            wait_for("a new client", lambda: is_served(node, peer)["ok"], seconds=5)
            print("a new client is served after %.1f s" % (time.monotonic() - started))


def one_source_keeps_nobody_out(directory):
    """They are as many as may be, and never fall silent, but come from one address."""
    with served(directory, "--connections-max", str(CONNECTIONS_MAX)) as (node, peer):
        with contextlib.ExitStack() as stack:
            guests = Guests(node, stack)
            for _ in range(2 * CONNECTIONS_MAX):
                guests.come(1, "127.0.0.2")
                guests.talk()
            started = time.monotonic()
            reply = is_served(node, peer)
            print("a new client: %s after %.1f s" % (reply, time.monotonic() - started))
            assert reply == {"ok": True, "value": "1"}, reply


def who_is_turned_away_is_told(directory):
    with served(directory, "--connections-max", "4") as (node, peer):
        with contextlib.ExitStack() as stack:
            guests = Guests(node, stack)
            guests.come(1, "127.0.0.2")
            guests.come(1, "127.0.0.3")
            guests.come(2, "127.0.0.4")
            guests.talk()
            guests.talk()
            wait_for("four guests", lambda: files_of(node) >= 4)
            one_more = stack.enter_context(contextlib.closing(connect(node)))
            one_more.sendall(guests.hello)
            frame = read_frame(one_more)
            assert b"connections_max: 4" in frame, frame
            assert one_more.recv(1) == b""
            reply = is_served(node, peer)
            print(reply, flush=True)
            assert not reply["ok"] and "connections_max: 4" in reply["detail"], reply


def files_of(node):
    return len(os.listdir("/proc/%d/fd" % node.process.pid))


def cpu_seconds(node):
    with open("/proc/%d/stat" % node.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_lines(node, event):
    with open(node.directory + ".log") as f:
        return [line for line in f if "event=" + event in line]


def links_are_bounded(directory):
    """A node that may open 128 files has eight links, says once that it needs more, and serves."""
    os.mkdir(directory)
    few_files = os.path.join(directory, "few_files")
    with open(few_files, "w") as script:
        script.write("#!/bin/sh\nulimit -n 128\nexec %s \"$@\"\n" % cluster.TROUPE)
    os.chmod(few_files, 0o700)
    nodes = [Node("n%d" % i, os.path.join(directory, "n%d" % i)) for i in range(LINKS_MAX + 3)]
    nodes[0].program = few_files
    try:
        for node in nodes:
            node.start()
        shell = Shell("--connect", nodes[0].address, "--json")
        peers = ["p%d@%s" % (i, node.address) for i, node in enumerate(nodes)]
        # One peer of the node for each of the others, in a cluster with it.
        for i, peer in enumerate(peers[1:], 1):
            ours = "q%d@%s" % (i, nodes[0].address)
            for each in (ours, peer):
                assert ask(shell, "start_peer kv_store " + each)["ok"]
            reply = ask(shell, "set_configuration %s %s" % (ours, ours))
            assert reply["ok"], reply
            if i <= LINKS_MAX:
                reply = ask(shell, "add_member %s %s" % (ours, peer))
                assert reply["ok"], reply
                assert not log_lines(nodes[0], "too_many_links")
        for i in (LINKS_MAX + 1, LINKS_MAX + 2):
            shell.send("add_member q%d@%s %s" % (i, nodes[0].address, peers[i]))
        line = wait_for("the log", lambda: log_lines(nodes[0], "too_many_links"))[0]
        print(line.strip(), flush=True)
        assert "links_max=%d " % LINKS_MAX in line, line
        assert is_served_by(nodes[0], "q1")
        assert len(log_lines(nodes[0], "too_many_links")) == 1
        shell.process.kill()
    finally:
        for node in nodes:
            if node.running():
                node.kill()


def is_served_by(node, peer):
    shell = Shell("--connect", node.address, "--json", "--timeout", "5s")
    try:
        return ask(shell, "write %s@%s set k 1" % (peer, node.address))["ok"]
    finally:
        shell.close()


def accepting_pauses(directory):
    """Without a file to accept with, a node waits for one. It says so once."""
    with served(directory) as (node, peer):
        before = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
        wait_for("the shell to be gone", lambda: is_served(node, peer)["ok"])
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (files_of(node), before[1]))
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                stack.enter_context(contextlib.closing(connect(node)))
            wait_for("the log", lambda: log_lines(node, "accepting_paused"))
            spent, started = cpu_seconds(node), time.monotonic()
            # A time is to be measured: there is nothing to wait for.
            time.sleep(1.5)
            share = (cpu_seconds(node) - spent) / (time.monotonic() - started)
            print("%d %% of a core without files" % (100 * share), flush=True)
            assert share < 0.3, share
            assert len(log_lines(node, "accepting_paused")) == 1
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, before)
        wait_for("a new client", lambda: is_served(node, peer)["ok"])
        wait_for("the log", lambda: log_lines(node, "accepting_resumed"))


main()
