"""A network of hosts on one machine where there can be no namespaces (switch.py): every connection
passes through this process.

Each node listens on one address and advertises another, which is one of ours. The dialing process
is seen in /proc: it holds the other end of the connection. So what one host says to
another is held or delayed in each direction by itself, a handshake needs both, and the end of a
connection is held like its bytes. Nothing is lost, repeated or out of order: behind a door there is
TCP, which mends that; its kernels are not ours to harm.
"""

import asyncio
import collections
import contextlib
import os
import random
import socket
import threading
import time

from switch import die_with_parent

PORTION = 1 << 16
PORTIONS_MAX = 64  # That wait in one direction of a connection; then its sender waits.
LOOK_SECONDS = 0.005
KNOWN_AFTER = 5.0  # A process that was just started may dial before we are told of it.


class ProxyHost:
    """What lives in some processes. A node's has a door of ours, and where it leads."""

    def __init__(self, number):
        self.number = number
        self.door = self.address = self.listen = None
        self._processes = []

    def open_door(self):
        self.door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self.door.getsockname()[1]
        # Of another address of loopback: nobody dials from it, so that no connection has the port
        # while the node is down.
        with socket.socket() as free:
            free.bind(("127.0.0.%d" % (100 + self.number), 0))
            self.listen = "%s:%d" % free.getsockname()

    def enter(self):
        """In a child, before it becomes another program."""
        die_with_parent()

    def took(self, process):
        self._processes = [p for p in self._processes if p.returncode is None] + [process]

    def holds(self, inode):
        """Whether one of its processes has this socket open."""
        name = "socket:[%s]" % inode
        for process in self._processes:
            with contextlib.suppress(OSError):
                folder = "/proc/%d/fd/" % process.pid
                if any(_target(folder + number) == name for number in os.listdir(folder)):
                    return True
        return False


def _target(link):
    with contextlib.suppress(OSError):
        return os.readlink(link)
    return None


def _hexadecimal(address):
    host, port = address
    return "%08X:%04X" % (int.from_bytes(socket.inet_aton(host), "little"), port)


def inode_of(local, remote):
    """The number of the socket at `local` that is connected to `remote`, or None."""
    wanted = [_hexadecimal(local), _hexadecimal(remote)]
    with open("/proc/self/net/tcp") as table:
        for line in table:
            words = line.split()
            if words[1:3] == wanted:
                return words[9] if words[9] != "0" else None
    return None


class Proxy:
    """Between the hosts, of which the first `nodes` have doors. What `cuts` and `delay` say holds
    from the next portion of a stream on; `counts` says what became of portions and handshakes."""

    name, unit = "proxy", "portions"
    has_packets = False

    def __init__(self, hosts, nodes, seed):
        self.hosts = hosts
        self.cuts = frozenset()  # Of (from, to).
        self.delay = (0.0, 0.0)  # Seconds, from and to; what comes later never overtakes.
        self.counts = collections.Counter()
        self._random = random.Random(seed)
        self._doors = hosts[:nodes]
        for host in self._doors:
            host.open_door()
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def heal(self):
        self.cuts, self.delay = frozenset(), (0.0, 0.0)

    def close(self):
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        rest = asyncio.all_tasks(self._loop)
        for task in rest:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        self._loop.close()

    async def _serve(self):
        servers = [
            await asyncio.start_server(self._guest_of(host), sock=host.door, limit=PORTION)
            for host in self._doors
        ]
        await self._ending.wait()
        for server in servers:
            server.close()

    def _guest_of(self, host):
        async def serve(reader, writer):
            # What has no effect but that somebody finds the door closed: the node does not listen,
            # or who knocked is gone.
            with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
                source = await self._who(writer)
                if source is not None:
                    await self._connect(source.number, host, reader, writer)

        return serve

    async def _who(self, writer):
        """The host that knocked, or None."""
        local = writer.get_extra_info("peername")
        remote = writer.get_extra_info("sockname")
        end = time.monotonic() + KNOWN_AFTER
        while time.monotonic() < end:
            inode = inode_of(local, remote)
            if inode is None:
                return None
            for host in self.hosts:
                if host.holds(inode):
                    return host
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _connect(self, source, host, reader, writer):
        target = host.number
        # Both directions: a handshake does.
        if {(source, target), (target, source)} & self.cuts:
            self.counts["cut"] += 1
        while {(source, target), (target, source)} & self.cuts:
            await asyncio.sleep(LOOK_SECONDS)
        address, port = host.listen.split(":")
        back, forth = await asyncio.open_connection(address, port, limit=PORTION)
        with contextlib.closing(forth):
            tasks = [
                self._loop.create_task(self._pass_on((source, target), reader, forth)),
                self._loop.create_task(self._pass_on((target, source), back, writer)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()

    async def _pass_on(self, pair, reader, writer):
        """What one side says, and then that it said it all."""
        waiting = asyncio.Queue(PORTIONS_MAX)
        taking = self._loop.create_task(self._take(pair, reader, waiting))
        try:
            while portion := await self._next(pair, waiting):
                writer.write(portion)
                with contextlib.suppress(OSError):  # The other side is gone, and says so itself.
                    await writer.drain()
                self.counts["passed"] += 1
        finally:
            taking.cancel()

    async def _next(self, pair, waiting):
        due, portion = await waiting.get()
        await asyncio.sleep(due - time.monotonic())
        while pair in self.cuts:
            await asyncio.sleep(LOOK_SECONDS)
        return portion

    async def _take(self, pair, reader, waiting):
        due, portion = 0.0, True
        while portion:
            try:
                portion = await reader.read(PORTION)
            except OSError:
                portion = b""  # It was killed, as likely as not; nothing more will come.
            low, high = self.delay
            if high:
                self.counts["delayed"] += 1
                due = max(due, time.monotonic() + self._random.uniform(low, high))
            if pair in self.cuts:
                self.counts["cut"] += 1
            await waiting.put((due, portion))
