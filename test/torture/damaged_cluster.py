"""Three nodes, of which one's disk is damaged at a time: while it is down, or while it runs."""

import glob
import os
import random
import shutil
import subprocess
import threading
import time

from one_node import OPTIONS, Failure  # First: it says where our programs are.
from cluster import TROUPE, Node, Shell, ask, leader_of, wait_for
from damage import damage

OFFLINE = ("flipped bit in use", "several bits", "zeroed page", "swapped pages", "stale page",
           "cut short", "old copy", "witness", "snapshot", "journal bit", "journal sectors",
           "journal cut short", "old journal", "lost journal")
RUNNING = ("flipped bit in use", "several bits", "zeroed sector", "zeroed page", "swapped pages",
           "stale page", "journal bit", "journal sectors")
WRITES = 40  # In each cycle, before the damage and behind it.


def run(path, dice, cycles):
    os.mkdir(path)
    cluster = Cluster(path)
    began, counts = time.monotonic(), {}
    try:
        cluster.found()
        for cycle in range(cycles):
            cluster.write(WRITES)
            running = cycle % 2 == 1
            outcome = cluster.damage_one(dice, running)
            counts[outcome] = counts.get(outcome, 0) + 1
            cluster.check_everywhere()
    except AssertionError as problem:
        raise Failure("in a cluster: %s; %s\n%s" % (problem, cluster.story, cluster.last_words())
                      ) from problem
    finally:
        cluster.close()
    print("cluster: %d damaged in %.1f s, %d writes acknowledged, all there at every node"
          % (cycles, time.monotonic() - began, len(cluster.values)))
    for outcome, count in sorted(counts.items()):
        print("  %-58s %4d" % (outcome, count), flush=True)
    shutil.rmtree(path)


class Member(Node):
    """A node that is a member by its own command line, and comes back with --rebuild."""

    def __init__(self, path, name, at):
        arguments = ["--join", at, "--peer", "kv_store", name, "--rebuild"] if at else []
        super().__init__(name, os.path.join(path, name), arguments=arguments)
        self.lines = []

    def begin(self):
        self.start()
        lines = self.lines = []
        threading.Thread(target=self.read, args=(self.process.stdout, lines), daemon=True).start()

    def is_member(self):
        return any("member already" in line or "joined as" in line for line in self.lines)

    @staticmethod
    def read(stream, lines):
        try:
            for line in stream:
                lines.append(line.rstrip("\n"))
        except ValueError:  # It was closed.
            pass

    def start(self):
        """As `Node` does; but what is set aside is said before the address."""
        self.process = subprocess.Popen(
            [TROUPE, "node", "--name", self.name, "--listen", self.address, "--data",
             self.directory] + self.arguments,
            stdout=subprocess.PIPE, stderr=open(self.directory + ".log", "a"), text=True)
        self.aside = None
        for line in self.process.stdout:
            if "set aside" in line:
                self.aside = line.strip()
            if "listening" in line:
                return self
        raise AssertionError("%s did not start; see its log:\n%s"
                             % (self.name, open(self.directory + ".log").read()[-800:]))


class Cluster:
    def __init__(self, path):
        self.path, self.nodes, self.values, self.story = path, [], {}, ""
        self.count = 0

    def found(self):
        first = Member(self.path, "a", None)
        first.begin()
        self.nodes.append(first)
        self.shell = Shell("--connect", first.address, "--json", "--timeout", "20s")
        peer = "a@" + first.address
        for command in ("start_peer kv_store %s %s" % (peer, OPTIONS),
                        "set_configuration %s %s" % (peer, peer)):
            reply = ask(self.shell, command)
            assert reply["ok"], (command, reply)
        for name in "bc":
            node = Member(self.path, name, first.address)
            node.begin()
            self.nodes.append(node)
            wait_for("%s to join" % name, lambda: "joined" in " ".join(node.lines))
        self.shell.close()
        self.shell = Shell("--connect", ",".join(n.address for n in self.nodes), "--json",
                           "--timeout", "20s")
        # The peer that bootstrapped can be rebuilt, too.
        first.arguments = ["--join", self.nodes[1].address, "--peer", "kv_store", "a", "--rebuild"]

    def peers(self, nodes=None):
        return ["%s@%s" % (n.name, n.address) for n in (nodes or self.nodes) if n.running()]

    def leader(self):
        return wait_for("a leader", lambda: leader_of(self.shell, self.peers()))

    def write(self, count):
        for _ in range(count):
            self.count += 1
            key, value = "k%d" % self.count, "v%d." % self.count * (1 + self.count % 60)
            wait_for("a write", lambda: self.attempt(key, value))
            self.values[key] = value

    def attempt(self, key, value):
        leader = leader_of(self.shell, self.peers())
        return leader and ask(self.shell, "write %s set %s %s" % (leader, key, value))["ok"]

    def damage_one(self, dice, running):
        """What became of it."""
        victim = dice.choice(self.nodes)
        older = os.path.join(self.path, "older")
        shutil.rmtree(older, ignore_errors=True)
        kinds = list(RUNNING if running else OFFLINE)
        if not glob.glob(victim.directory + "/snapshots/*/*.snapshot"):
            kinds = [kind for kind in kinds if kind != "snapshot"]
        kind = dice.choice(kinds)
        shutil.copytree(victim.directory, older)
        self.write(WRITES)
        if not running:
            victim.kill()
        self.story = "%s of %s%s" % (damage(kind, victim.directory, older, dice), victim.name,
                                     ", which runs" if running else "")
        if running:
            self.write(WRITES)
            return "%s, which runs: %s" % (kind, self.come_back(victim))
        self.write(WRITES // 4)
        return "%s, offline: %s" % (kind, self.start_again(victim))

    def come_back(self, victim):
        """Whatever it made of the damage while it ran: it is stopped, if need be, and started."""
        ended = ""
        if not victim.running():
            code = victim.process.wait(10)
            ended = "stopped, " if code >= 0 else "killed by signal %d, " % -code
        else:
            victim.kill()
        return ended + self.start_again(victim)

    def start_again(self, victim):
        victim.begin()
        wait_for("%s to be a member" % victim.name,
                 lambda: victim.is_member() or not victim.running(), 30)
        assert victim.running(), "%s ended with %d" % (victim.name, victim.process.poll())
        for old in glob.glob(victim.directory + ".corrupt-*"):
            shutil.rmtree(old)
        return "rebuilt from the others" if victim.aside else "came back by itself"

    def check_everywhere(self):
        """Each node answers for itself, behind the last write."""
        goal = self.status(self.leader()).get("commit", 0)
        for peer in self.peers():
            wait_for("%s to catch up" % peer,
                     lambda: self.status(peer).get("applied", 0) >= goal, 30)
            for key in random.Random(self.count).sample(sorted(self.values), 20):
                reply = wait_for("a read", lambda: self.read(peer, key))
                assert reply == self.values[key], "%s: %s is %r" % (peer, key, reply)

    def read(self, peer, key):
        reply = ask(self.shell, "read --sequential %s get %s" % (peer, key))
        return reply["value"] if reply["ok"] else None

    def status(self, peer):
        return ask(self.shell, "status " + peer).get("value") or {}

    def last_words(self):
        """What the nodes have logged, as far as it may say why."""
        text = ""
        for node in self.nodes:
            with open(node.directory + ".log") as log:
                text += "%s, %s: %s\n%s" % (node.name, "runs" if node.running() else "has ended",
                                           node.lines, "".join(log.readlines()[-12:]))
        return text

    def close(self):
        for node in self.nodes:
            if node.running():
                node.kill()
        self.shell.close()
