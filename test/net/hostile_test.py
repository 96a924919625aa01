"""Strangers at the port of a real node: what they cost it, and that nobody else notices."""

import contextlib
import os
import resource
import socket
import struct
import time

import cluster
from cluster import Node, Shell, ask, wait_for

STRANGERS = 100
BODY_BYTES = 16 << 20
SENT_BYTES = 1 << 20
# Of each: the buffer that its socket is read into, and what an actor takes.
COST_BYTES_MAX = 256 << 10
FILES_MAX = 200
GUESTS = 30
GUEST_BYTES = 15 << 20
# What half frames may take together, twice while one grows, and what an allocator keeps.
GUESTS_COST_BYTES_MAX = 160 << 20


def main():
    with cluster.directory() as path:
        strangers_cost_little(os.path.join(path, "a"))
        guests_cost_little_together(os.path.join(path, "c"))
        more_than_there_is_room_for(os.path.join(path, "b"))


@contextlib.contextmanager
def served(directory):
    """A node with one peer that leads, and a shell that was answered."""
    node = Node("a", directory).start()
    shell = Shell("--connect", node.address, "--json")
    try:
        peer = "p@" + node.address
        assert ask(shell, "start_peer kv_store " + peer)["ok"]
        assert ask(shell, "set_configuration %s %s" % (peer, peer))["ok"]
        wait_for("a write", lambda: ask(shell, "write %s set k 1" % peer)["ok"])
        yield node, shell, peer
    finally:
        shell.close()
        node.kill()


def connect(node):
    host, port = node.address.split(":")
    stranger = socket.create_connection((host, int(port)), timeout=10)
    stranger.settimeout(10)
    return stranger


def rss_bytes(node):
    with open("/proc/%d/statm" % node.process.pid) as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def cpu_seconds(node):
    with open("/proc/%d/stat" % node.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slowest_read_ms(shell, peer, count=50):
    slowest = 0.0
    for _ in range(count):
        started = time.monotonic()
        reply = ask(shell, "read %s get k" % peer)
        assert reply == {"ok": True, "value": "1"}, reply
        slowest = max(slowest, 1000 * (time.monotonic() - started))
    return slowest


def strangers_cost_little(directory):
    """Each promises a frame as large as there may be, and sends a part of it."""
    with served(directory) as (node, shell, peer):
        before, quiet = rss_bytes(node), slowest_read_ms(shell, peer)
        strangers = []
        for _ in range(STRANGERS):
            stranger = connect(node)
            strangers.append(stranger)
            # The node may close the connection in the midst of it.
            with contextlib.suppress(OSError):
                stranger.sendall(struct.pack("<II", BODY_BYTES, 0) + bytes(SENT_BYTES))
        cost = (rss_bytes(node) - before) / STRANGERS
        busy = slowest_read_ms(shell, peer)
        print("a stranger costs %d KiB" % (cost / 1024))
        print("the slowest read took %.1f ms, and %.1f ms before" % (busy, quiet))
        assert cost < COST_BYTES_MAX, cost
        assert busy < 1000 + quiet, busy
        # A stranger without a hello has no time to lose, either.
        for stranger in strangers:
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(65536):
                    pass
            stranger.close()


def guests_cost_little_together(directory):
    """Each says hello first, in the node's own words, and sends most of the largest frame."""
    with served(directory) as (node, shell, peer):
        before, quiet = rss_bytes(node), slowest_read_ms(shell, peer)
        with contextlib.ExitStack() as stack:
            busy = 0.0
            for _ in range(GUESTS):
                guest = stack.enter_context(contextlib.closing(connect(node)))
                # The node closes it when others need the place.
                with contextlib.suppress(OSError):
                    guest.sendall(read_frame(guest))
                    guest.sendall(struct.pack("<II", BODY_BYTES, 0) + bytes(GUEST_BYTES))
                busy = max(busy, slowest_read_ms(shell, peer, count=2))
            cost = rss_bytes(node) - before
        print("%d guests cost %d MiB together" % (GUESTS, cost >> 20))
        print("the slowest read took %.1f ms, and %.1f ms before" % (busy, quiet))
        assert cost < GUESTS_COST_BYTES_MAX, cost
        assert busy < 1000 + quiet, busy


def read_frame(connection):
    frame = b""
    while len(frame) < 8 or len(frame) < 8 + struct.unpack_from("<I", frame)[0]:
        frame += connection.recv(65536)
    return frame


def more_than_there_is_room_for(directory):
    """Strangers until no more files can be opened: who was there is served, the node is idle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * FILES_MAX)), hard))
    with contextlib.ExitStack() as stack:
        node, shell, peer = stack.enter_context(served(directory))
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (FILES_MAX, hard))
        for _ in range(2 * FILES_MAX):
            stack.enter_context(contextlib.closing(connect(node)))
        files = len(os.listdir("/proc/%d/fd" % node.process.pid))
        spent, started = cpu_seconds(node), time.monotonic()
        busy = slowest_read_ms(shell, peer)
        time.sleep(1)
        share = (cpu_seconds(node) - spent) / (time.monotonic() - started)
        print("%d files open, a read %.1f ms, %d %% of a core" % (files, busy, 100 * share))
        assert share < 0.5, share
        # When the strangers are gone, or their time to say hello is over, others are let in.
        wait_for("a new client", lambda: is_served(node, peer))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_served(node, peer):
    shell = Shell("--connect", node.address, "--json")
    try:
        return ask(shell, "read %s get k" % peer)["ok"]
    finally:
        shell.close()


main()
