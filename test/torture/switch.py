"""A network of hosts on one machine whose every packet passes through this process.

Each host is a network namespace with one TUN device, whose other end is here. So any packet can be
dropped, delayed, repeated or reordered, in each direction by itself, and all of it is counted: no
tool, no kernel module, and nothing that stays behind when the process is gone.
"""

import collections
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import threading
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x8916, 0x891C, 0x8922
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
MTU = 9000
PORT = 4000
PACKETS_MAX = 20000  # That are delayed; more are lost, as in any queue.

libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (name, os.strerror(error)))


def die_with_parent():
    _call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)


class Host:
    """A namespace with the address 10.99.0.NUMBER. A node here listens where others dial."""

    def __init__(self, number):
        self.number = number
        self.ip = "10.99.0.%d" % number
        self.address = self.listen = "%s:%d" % (self.ip, PORT)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _call("unshare", CLONE_NEWNET)
            try:
                self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
                self.tun = self._open_tun()
            finally:
                _call("setns", home, CLONE_NEWNET)
        finally:
            os.close(home)

    def _open_tun(self):
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            settings = ((SIOCSIFADDR, self.ip), (SIOCSIFNETMASK, "255.255.255.0"))
            for request, address in settings:
                sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
                fcntl.ioctl(s, request, struct.pack("16s16s", b"tun0", sockaddr))
            fcntl.ioctl(s, SIOCSIFMTU, struct.pack("16si12x", b"tun0", MTU))
            for name in (b"lo", b"tun0"):
                got = fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sh14x", name, 0))
                flags = struct.unpack("16sh14x", got)[1] | IFF_UP
                fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", name, flags))
        return tun

    def enter(self):
        """In a child, before it becomes another program: it lives here, and no longer than we."""
        die_with_parent()
        _call("setns", self.namespace, CLONE_NEWNET)

    def took(self, process):
        pass

    def close(self):
        os.close(self.tun)
        os.close(self.namespace)


class Switch:
    """Between the hosts. What `cuts`, `loss`, `repeat` and `delay` say holds from the next packet
    on; `counts` says what became of packets, by what was done to them."""

    name, unit = "namespaces", "packets"
    has_packets = True

    def __init__(self, hosts, seed):
        self.hosts = {h.number: h for h in hosts}
        self.cuts = frozenset()  # Of (from, to).
        self.loss = 0.0
        self.repeat = 0.0
        self.delay = (0.0, 0.0)  # Seconds, from and to: a range reorders.
        self.counts = collections.Counter()
        self._random = random.Random(seed)
        self._waiting = []
        self._number = 0
        self._stop_in, self._stop_out = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def heal(self):
        self.cuts, self.loss, self.repeat, self.delay = frozenset(), 0.0, 0.0, (0.0, 0.0)

    def close(self):
        os.write(self._stop_out, b"x")
        self._thread.join()
        os.close(self._stop_in)
        os.close(self._stop_out)
        for host in self.hosts.values():
            host.close()

    def _run(self):
        poll = select.epoll()
        number_of = {h.tun: n for n, h in self.hosts.items()}
        for tun in number_of:
            poll.register(tun, select.EPOLLIN)
        poll.register(self._stop_in, select.EPOLLIN)
        while True:
            wait = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else -1
            for descriptor, _ in poll.poll(wait):
                if descriptor == self._stop_in:
                    return poll.close()
                self._read(descriptor, number_of[descriptor])
            self._release()

    def _read(self, tun, source):
        for _ in range(64):
            try:
                packet = os.read(tun, MTU + 64)
            except BlockingIOError:
                return
            # IPv4 within the network; what else a kernel says to itself is nobody's.
            if packet[0] >> 4 == 4 and packet[16:19] == b"\x0a\x63\x00":
                self._pass(source, packet[19], packet)

    def _pass(self, source, target, packet):
        if target not in self.hosts:
            return
        if (source, target) in self.cuts:
            self.counts["cut"] += 1
        elif self.loss and self._random.random() < self.loss:
            self.counts["lost"] += 1
        else:
            copies = 1
            if self.repeat and self._random.random() < self.repeat:
                self.counts["repeated"] += 1
                copies = 2
            for _ in range(copies):
                self._send_later(target, packet)

    def _send_later(self, target, packet):
        low, high = self.delay
        if not high:
            return self._send(target, packet)
        if len(self._waiting) >= PACKETS_MAX:
            self.counts["lost"] += 1
            return
        self.counts["delayed"] += 1
        self._number += 1
        due = time.monotonic() + self._random.uniform(low, high)
        heapq.heappush(self._waiting, (due, self._number, target, packet))

    def _release(self):
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, target, packet = heapq.heappop(self._waiting)
            self._send(target, packet)

    def _send(self, target, packet):
        try:
            os.write(self.hosts[target].tun, packet)
            self.counts["passed"] += 1
        except OSError:
            self.counts["lost"] += 1
