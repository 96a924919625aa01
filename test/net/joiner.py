"""`troupe node --join` for tests: nodes that join by themselves, and a cluster to join."""

import contextlib
import os
import subprocess
import threading
import time

from cluster import TROUPE, Node, Shell, ask, leader_of, wait_for

LIMIT = 10.0  # Seconds that a join may take on a machine that has other things to do.


class Joiner(Node):
    """`troupe node --join`; what it prints is kept."""

    def __init__(self, name, path, at, *flags, address=None):
        super().__init__(
            name,
            os.path.join(path, name),
            address,
            arguments=["--join", at, "--peer", "kv_store", name, *flags],
        )
        self.lines = []

    def begin(self):
        self.began = time.monotonic()
        self.lines = []
        self.process = subprocess.Popen(
            [TROUPE, "node", "--listen", self.address, "--data", self.directory] + self.arguments,
            stdout=subprocess.PIPE,
            stderr=open(self.directory + ".log", "a"),
            text=True,
        )
        threading.Thread(target=self.read, args=(self.process, self.lines), daemon=True).start()
        return self

    @staticmethod
    def read(process, lines):
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                lines.append(line.rstrip("\n"))

    def said(self, words):
        return next((line for line in list(self.lines) if words in line), None)

    def joined(self, rank, seconds=LIMIT):
        """Waits for the end of the join, and answers how long it took."""
        said = wait_for(
            "%s to join; it said %s" % (self.name, self.lines),
            lambda: self.said("joined as") or self.said("a member already"),
            20,
        )
        took = time.monotonic() - self.began
        assert rank in said, (rank, said)
        assert took < seconds, (took, said)
        return took

    def fails(self, seconds=10):
        """Waits for the end of a node that cannot become a member, and answers why."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        assert self.process.returncode == 1, (self.process.returncode, self.lines)
        return self.error()

    def error(self):
        with open(self.directory + ".log") as log:
            return [line for line in log if line.startswith("error:")][-1].strip()


@contextlib.contextmanager
def cluster_of_one(path):
    """A node with peer p1 alone in its cluster, and a shell."""
    node = Node("p1", os.path.join(path, "p1")).start()
    shell = Shell("--connect", node.address, "--json")
    p1 = "p1@" + node.address
    assert ask(shell, "start_peer kv_store " + p1)["ok"]
    assert ask(shell, "set_configuration %s %s" % (p1, p1))["ok"]
    nodes = [node]
    try:
        yield nodes, shell, p1
    finally:
        shell.close()
        for node in nodes:
            if node.running():
                node.kill()


def voters_join(path, nodes, names=("p2", "p3")):
    """Has a voter of each name join by way of the first node, and adds its node to `nodes`."""
    for name in names:
        nodes.append(Joiner(name, path, nodes[0].address).begin())
        nodes[-1].joined("voter")


def full(node):
    return "%s@%s" % (node.name, node.address)


def members(shell, peer):
    return ask(shell, "members " + peer).get("value", {})


def write(shell, peers, key, value):
    def written():
        leader = leader_of(shell, peers)
        return leader and ask(shell, "write %s set %s %s" % (leader, key, value))["ok"]

    wait_for("a write of " + key, written)


def read(shell, peers, key):
    def reply():
        leader = leader_of(shell, peers)
        got = leader and ask(shell, "read %s get %s" % (leader, key))
        return got if got and got["ok"] else None

    return wait_for("a read of " + key, reply)["value"]
