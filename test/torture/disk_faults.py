"""Disks that lose their power or are filled up, one for each node, while all else happens."""

import os
import threading
import time

import disk
from nodes import Failure, Shell

VALUE = "x" * 1000000
FILL_SECONDS = 8.0  # Until it counts as without effect.
REMOVE_SECONDS = 5.0
KEYS_MAX = 100
# What a node says of a disk that is full. Logs that cannot be cut grow until the first is true.
COMPLAINTS = {
    "peers without space": b"event=disk_full",
    "snapshots given up": b"are free on the disk",
}


def make_disks(path, kind, count):
    """Disks that vanish with this process, or why there can be none."""
    os.mkdir(path)
    disks = []
    try:
        disk.have_own_mounts()
        # In memory: whoever tortures disks need not wear out this machine's.
        if not disk.quietly("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", path):
            raise OSError("no tmpfs can be mounted")
        for number in range(1, count + 1):
            disks.append(disk.Disk(os.path.join(path, "n%d" % number), kind))
            if not disks[-1].mount():
                raise OSError("no %s can be mounted" % kind)
        return disks, None
    except OSError as error:
        close_disks(path, disks)
        return [], str(error)


def close_disks(path, disks):
    for each in disks:
        each.unmount()
    if disks:
        # Whatever still uses it: a folder where something is mounted could not be removed.
        disk.quietly("umount", "-l", path)


class DiskFaults:
    """Power cuts at any time; one time of full disks after the other."""

    def __init__(self, disks, processes, writer, tally, chance):
        self.cluster, self.processes, self.writer = processes.cluster, processes, writer
        self.disk_of = dict(zip(self.cluster.nodes, disks))
        self.tally, self.chance = tally, chance
        self.full = None

    def kinds(self):
        return {
            "power_cut": lambda: self.cut(self.processes.any_running()),
            "power_cut_all": self.cut_all,
            "full_any": lambda: self.fill("full_any", self.any_member()),
            "full_leader": lambda: self.fill("full_leader", [self.cluster.leader()]),
            "full_all": lambda: self.fill("full_all", self.cluster.nodes),
        }

    def can_be(self, kind):
        return kind in self.kinds() and (self.full is None or kind.startswith("power"))

    def cut(self, node, kind="power_cut"):
        if node is None or not node.is_running():
            return
        node.check()
        seconds = self.chance.choice((0.0, 0.0, 0.02))

        def end():
            # Time to be told of writes that fail, at times.
            time.sleep(seconds)
            node.kill_for_good()

        has_lost = self.disk_of[node].lose_power(end)
        self.tally.add(kind, has_lost, "lost what was not synced")
        self.processes.later(self.chance.uniform(0.05, 2), node.start)

    def cut_all(self):
        for node in self.cluster.nodes:
            self.cut(node, "power_cut_all")

    def any_member(self):
        """Others get no entries that need room."""
        leader = self.cluster.leader()
        members = self.cluster.members(leader) if leader else []
        running = [n for n in self.cluster.nodes if n.peer in members and n.is_running()]
        return [self.chance.choice(running) if running else None]

    def fill(self, kind, nodes):
        if None not in nodes:
            seconds = self.chance.uniform(0.3, 2.0)
            disks = {node: self.disk_of[node] for node in nodes}
            self.full = FullDisks(self.writer, kind, disks, seconds)
            self.full.start()

    def on_time(self):
        if self.full is not None and not self.full.is_alive():
            self.calm()

    def calm(self):
        full, self.full = self.full, None
        if full is not None:
            full.finish()
            complaints = full.complaints()
            self.tally.add(full.kind, any(complaints.values()))
            for what, amount in complaints.items():
                self.tally.evidence[full.kind][what] += amount

    def close(self):
        self.writer.shell.close()


class FullDisks(threading.Thread):
    """Fills disks, and has much written until those who use them say that they have no space; a
    while later there is some again."""

    def __init__(self, writer, kind, disks, seconds):
        super().__init__(daemon=True)
        self.writer, self.kind, self.disks, self.seconds = writer, kind, disks, seconds
        self.ending = threading.Event()
        self.failure = None
        self.log_ends = {node: os.path.getsize(node.log_path) for node in disks}

    def run(self):
        try:
            # A node at the end of its reserve could write nothing.
            self.writer.remove_all(self.ending)
            for each in self.disks.values():
                each.fill()
            self.wait_until_full()
            for each in self.disks.values():
                each.free()
            self.writer.remove_all(self.ending)
        except (Failure, OSError) as failure:
            self.failure = failure

    def wait_until_full(self):
        end = time.monotonic() + FILL_SECONDS
        is_full = False
        while time.monotonic() < end and not self.ending.is_set():
            self.writer.write(self.ending)
            if not is_full and b"event=disk_full" in self.logged():
                is_full = True
                end = time.monotonic() + self.seconds

    def logged(self):
        """By those whose disks are full, since they are."""
        text = b""
        for node, end in self.log_ends.items():
            with open(node.log_path, "rb") as log:
                log.seek(end)
                text += log.read()
        return text

    def complaints(self):
        text = self.logged()
        return {what: text.count(words) for what, words in COMPLAINTS.items()}

    def finish(self):
        self.ending.set()
        self.join(20)
        if self.failure or self.is_alive():
            raise Failure("disks cannot be filled: %s" % (self.failure or "no end"))


class BulkWriter:
    """Keeps what takes much room, under keys that no client uses. One thread at a time."""

    def __init__(self, cluster, host):
        self.cluster = cluster
        addresses = [n.address for n in cluster.nodes]
        self.shell = Shell(cluster.programs["troupe"], host, addresses, timeout="1s")
        self.count = 0
        self.keys = []

    def write(self, ending):
        leader = self.leader()
        if leader is None or len(self.keys) >= KEYS_MAX:
            ending.wait(0.05)
            return
        for _ in range(5):
            # None twice: the log is cleaned of what is overwritten.
            self.count += 1
            self.keys.append("full-%d" % self.count)
            if not self.ask("write %s set %s %s" % (leader, self.keys[-1], VALUE)):
                ending.wait(0.02)
                return

    def remove_all(self, ending):
        """What cannot be removed in that time is left to the next."""
        end = time.monotonic() + REMOVE_SECONDS
        while self.keys and time.monotonic() < end and not ending.is_set():
            leader = self.leader()
            while leader and self.keys and self.remove(leader, self.keys[-1]):
                self.keys.pop()
            if self.keys:
                ending.wait(0.05)

    def remove(self, leader, key):
        reply = self.shell.ask("write %s delete %s" % (leader, key))
        return reply["ok"] or reply["error"] == "key_not_found"

    def leader(self):
        for node in self.cluster.nodes:
            leader = self.ask("leader " + node.peer).get("value")
            if leader:
                return leader
        return None

    def ask(self, command):
        """An empty reply unless it was done."""
        reply = self.shell.ask(command)
        return reply if reply["ok"] else {}
