"""The proxy of `./dev torture --proxy`: it knows who dials, holds what is cut in one direction, and
loses nothing. Then a short torture through it."""

import os
import select
import socket
import subprocess
import sys
import threading

TORTURE = os.path.join(os.environ["TROUPE_SOURCE_DIR"], "test", "torture")
sys.path.insert(0, TORTURE)

from nodes import spawn, wait_for  # noqa: E402
from proxy import Proxy, ProxyHost  # noqa: E402

HELD_SECONDS = 0.3
SPEAKER = """
import os, socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def say():
    while line := os.read(0, 100): s.sendall(line)
threading.Thread(target=say, daemon=True).start()
while line := s.recv(100): os.write(1, line)
"""


class Speaker:
    """A process on `host` that says lines to an address, and tells what it hears from there."""

    def __init__(self, host, address):
        command = [sys.executable, "-c", SPEAKER, *address.split(":")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        self.process = spawn(host, command, **pipes)

    def say(self, text):
        self.process.stdin.write(text)

    def hears(self, seconds):
        readable, _, _ = select.select([self.process.stdout], [], [], seconds)
        return os.read(self.process.stdout.fileno(), 100) if readable else None

    def close(self):
        self.process.kill()
        self.process.wait()


class Echo:
    """What a node would be: it listens behind its host's proxy, and repeats what it hears."""

    def __init__(self, host):
        address, port = host.listen.split(":")
        self.heard = b""
        self.socket = socket.create_server((address, int(port)))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            guest, _ = self.socket.accept()
            threading.Thread(target=self.repeat, args=(guest,), daemon=True).start()

    def repeat(self, guest):
        while said := guest.recv(100):
            self.heard += said
            guest.sendall(said)
        self.heard += b"."


def each_direction_is_held_by_itself():
    hosts = [ProxyHost(number) for number in (1, 2, 3)]
    proxy = Proxy(hosts, 1, seed=1)
    echo = Echo(hosts[0])
    two, three = (Speaker(host, hosts[0].address) for host in hosts[1:])
    for each in (two, three):
        each.say(b"a")
        assert each.hears(10) == b"a"
    assert proxy.counts["cut"] == 0

    proxy.cuts = frozenset({(2, 1)})
    two.say(b"b")
    three.say(b"c")
    assert three.hears(10) == b"c"
    assert two.hears(HELD_SECONDS) is None
    assert echo.heard == b"aac"
    wait_for("the cut to count", lambda: proxy.counts["cut"] == 1, 10)

    proxy.cuts = frozenset({(1, 2)})
    wait_for("what was held", lambda: echo.heard == b"aacb", 10)
    assert two.hears(HELD_SECONDS) is None
    wait_for("the other cut to count", lambda: proxy.counts["cut"] == 2, 10)

    # Nor does it get through with another connection, or end one.
    late = Speaker(hosts[1], hosts[0].address)
    late.say(b"d")
    assert late.hears(HELD_SECONDS) is None
    proxy.cuts = frozenset({(2, 1)})
    two.close()
    assert late.hears(HELD_SECONDS) is None
    assert echo.heard == b"aacb"

    proxy.heal()
    assert late.hears(10) == b"d"
    wait_for("its end", lambda: sorted(echo.heard) == sorted(b"aacbd."), 10)
    late.close()
    three.close()
    proxy.close()


def a_delay_takes_its_time():
    hosts = [ProxyHost(number) for number in (1, 2)]
    proxy = Proxy(hosts, 1, seed=1)
    Echo(hosts[0])
    speaker = Speaker(hosts[1], hosts[0].address)
    proxy.delay = (HELD_SECONDS, HELD_SECONDS)
    speaker.say(b"a")
    assert speaker.hears(HELD_SECONDS) is None
    assert speaker.hears(10) == b"a"
    assert proxy.counts["delayed"] == 2
    speaker.close()
    proxy.close()


def torture():
    command = [sys.executable, os.path.join(TORTURE, "torture.py"), "--proxy", "--no-disks"]
    command += ["--minutes", "0.05", "--seed", "7"]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=150)
    print(result.stdout, flush=True)
    assert result.returncode == 0
    assert result.stdout.rstrip().endswith("passed")


each_direction_is_held_by_itself()
a_delay_takes_its_time()
torture()
