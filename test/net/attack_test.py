"""An attacker that may connect and speaks the protocol: what each attack on the leader of three
nodes costs, while somebody else reads and writes. Prints memory, delays and elections.

`attack_test.py --table [ATTACK...]` checks nothing and prints a table of what was measured."""

import collections
import json
import os
import resource
import subprocess
import sys
import threading
import time

from cluster import Shell, ask, leader_of, status, three_nodes, wait_for

ATTACKER = os.environ.get("ATTACKER", "troupe_attacker")
SECONDS = 4
QUIET_SECONDS = 1.5
# Of the leader, beside what it takes without an attack: what one connection may ask for and not be
# answered, frames on their way in, and what an allocator keeps.
COST_BYTES_MAX = 96 << 20
# Where the answers are large: 8 MiB of them, as values and as frames, and what an allocator keeps.
ANSWERS_COST_BYTES_MAX = 64 << 20
# Of many connections together: what the node bounds for all of them, asked and answered.
NODE_COST_BYTES_MAX = 384 << 20
# A write that was acknowledged stands in the log.
ENTRY_COST_BYTES_MAX = 256
# Far above what a busy machine makes of them: only an attack that holds up the leader for long
# makes another one.
TIMEOUTS = "election_timeout_min_ms=1000 election_timeout_max_ms=2000"
PEERS_MAX = 1000
# Ten lines of an event a second, of a few events.
LOG_BYTES_MAX = 64 << 10


class Honest(threading.Thread):
    """A client that writes and reads, one after the other, and knows nothing of the attack."""

    def __init__(self, address, peer):
        super().__init__()
        self.peer = peer
        self.shell = Shell("--connect", address, "--json")
        self.delays, self.failures = [], []
        self.finished = False

    def run(self):
        count = 0
        while not self.finished:
            count += 1
            for command in ("write %s set honest %d" % (self.peer, count),
                            "read %s get honest" % self.peer):
                began = time.monotonic()
                reply = ask(self.shell, command)
                self.delays.append(1000 * (time.monotonic() - began))
                if not reply["ok"]:
                    self.failures.append(reply["error"])

    def finish(self):
        self.finished = True
        self.join()
        self.shell.close()

    def p99(self):
        return sorted(self.delays)[int(0.99 * len(self.delays))] if self.delays else float("inf")


def memory_bytes(node, what):
    with open("/proc/%d/status" % node.process.pid) as f:
        for line in f:
            if line.startswith(what + ":"):
                return int(line.split()[1]) << 10
    raise AssertionError(what)


def attack(name, address, peer, seconds):
    done = subprocess.run([ATTACKER, name, address, peer.split("@")[0], str(seconds)],
                          stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True)
    return json.loads(done.stdout)


def cpu_seconds(node):
    with open("/proc/%d/stat" % node.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_bytes(node):
    return os.path.getsize(node.directory + ".log")


class Cost:
    """Of an attack, for the node that it is made on and for a client of the same node."""

    def __init__(self, name, arena, seconds, meanwhile=None, quiet_seconds=0):
        self.name, node, shell = name, arena.node, arena.shell
        self.quiet = arena.honest_for(quiet_seconds)
        resident, cpu, log = memory_bytes(node, "VmRSS"), cpu_seconds(node), log_bytes(node)
        with open("/proc/%d/clear_refs" % node.process.pid, "w") as f:
            f.write("5")  # The peak begins anew.
        term, began = status(shell, arena.leader)["term"], time.monotonic()
        self.honest = Honest(node.address, arena.leader)
        self.honest.start()
        # It is there before the attacker: one that comes with a crowd may have to come again.
        wait_for("an answer", lambda: self.honest.delays)
        harm = threading.Thread(target=self.do_harm, args=(arena, seconds))
        harm.start()
        self.meanwhile = meanwhile() if meanwhile else None
        harm.join()
        self.honest.finish()
        self.cpu = (cpu_seconds(node) - cpu) / (time.monotonic() - began)
        now = wait_for("a leader", lambda: leader_of(shell, arena.peers))
        self.elections = status(shell, now)["term"] - term
        self.peak = memory_bytes(node, "VmHWM") - resident
        self.after = memory_bytes(node, "VmRSS") - resident
        self.logged = log_bytes(node) - log

    def do_harm(self, arena, seconds):
        if self.name == "nothing":
            self.told = {"frames": 0, "sent": 0, "told": {}}
            return time.sleep(seconds)
        self.told = attack(self.name, arena.node.address, arena.leader, seconds)

    def __str__(self):
        return ("%-20s peak +%d MiB, then +%d MiB; honest p99 %.1f ms, %d of %d failed; "
                "%d elections; %d %% of a core; %d KiB logged"
                % (self.name, self.peak >> 20, self.after >> 20, self.honest.p99(),
                   len(self.honest.failures), len(self.honest.delays),
                   self.elections, 100 * self.cpu, self.logged >> 10))  # fmt: skip

    def row(self):
        told = ", ".join("%s %d" % (what.split(" ")[0], count)
                         for what, count in sorted(self.told["told"].items()))
        return ("| `%s` | %.1f | %d | %.1f | %.1f | %d of %d | %d | %d %% | %s |"
                % (self.name, self.told["sent"] / 2 ** 20, self.peak >> 20, self.quiet.p99(),
                   self.honest.p99(), len(self.honest.failures), len(self.honest.delays),
                   self.elections, 100 * self.cpu, told))  # fmt: skip


class Arena:
    """The leader of three nodes, which is attacked."""

    def __init__(self, nodes, peers, shell):
        self.nodes, self.peers, self.shell = nodes, peers, shell
        self.leader = wait_for("a leader", lambda: leader_of(shell, peers))
        self.node = next(n for n in nodes if self.leader.endswith(n.address))
        wait_for("a write", lambda: ask(shell, "write %s set k v" % self.leader)["ok"])
        assert ask(shell, "write %s set large %s" % (self.leader, "v" * (1 << 20)))["ok"]

    def honest_for(self, seconds):
        honest = Honest(self.node.address, self.leader)
        honest.start()
        time.sleep(seconds)  # A time is to be measured: there is nothing to wait for.
        honest.finish()
        return honest

    def run(self, name, seconds=SECONDS, cost_max=COST_BYTES_MAX, meanwhile=None):
        """Answers what it came to. The leader must bear it, and the others as well."""
        cost = Cost(name, self, seconds, meanwhile)
        print(cost)
        print("%-20s %s" % ("", json.dumps(cost.told)), flush=True)
        assert cost.told["frames"] > 1, cost.told
        told = collections.defaultdict(int, cost.told["told"])
        written = told["ok"] if "write" in name else 0
        assert cost.peak < cost_max + written * ENTRY_COST_BYTES_MAX, cost.peak
        assert cost.elections == 0, cost.elections
        assert not cost.honest.failures, cost.honest.failures[:5]
        cost.told = told
        return cost

    def is_served(self):
        """Whether a client that comes now is."""
        shell = Shell("--connect", self.node.address, "--json", "--timeout", "5s")
        try:
            return ask(shell, "read %s get k" % self.leader)["ok"]
        finally:
            shell.close()


def reserved_fields(arena):
    told = arena.run("reserved_fields").told
    refused = "invalid the command sets session, sequence or resource, which are reserved"
    assert told == {refused: 3}, told
    reply = ask(arena.shell, "read %s get reserved" % arena.leader)
    assert reply["error"] == "key_not_found", reply


def many_gets(arena):
    """Answers wait until the one who asked has read those before them."""
    told = arena.run("many_gets", cost_max=ANSWERS_COST_BYTES_MAX).told
    assert set(told) == {"ok"}, told


def unread_gets(arena):
    arena.run("unread_gets", cost_max=ANSWERS_COST_BYTES_MAX)


def unread_refusals(arena):
    arena.run("unread_refusals", cost_max=NODE_COST_BYTES_MAX)


def large_entries(arena):
    told = arena.run("large_entries", cost_max=ANSWERS_COST_BYTES_MAX).told
    assert told["ok"] > 1, told


def unreferenced_bytes(arena):
    told = arena.run("unreferenced_bytes").told
    assert "ok" not in told, told


def refused_crowd(arena):
    told = arena.run("refused_crowd").told
    assert told["ok"] == 300, told


def idle_connections(arena):
    """A client that comes last is served all the same."""
    def come_late():
        crowd = min(3000, resource.prlimit(arena.node.process.pid, resource.RLIMIT_NOFILE)[0] // 3)
        files = "/proc/%d/fd" % arena.node.process.pid
        wait_for("a crowd", lambda: len(os.listdir(files)) > crowd)
        return arena.is_served()

    cost = arena.run("idle_connections", meanwhile=come_late)
    assert cost.told["opened"] > 4096, cost.told
    assert cost.meanwhile


def forged_hellos(arena):
    """Nobody dials where they say that they live."""
    cost = arena.run("forged_hellos")
    assert cost.told["hellos"] == 1000, cost.told
    assert cost.logged < LOG_BYTES_MAX, cost.logged


def noisy_hellos(arena):
    cost = arena.run("noisy_hellos")
    assert cost.told["connections"] > 100, cost.told
    assert cost.logged < LOG_BYTES_MAX, cost.logged


def half_frames(arena):
    """A client that brings a large frame steadily is not cut."""
    told = arena.run("half_frames", seconds=8, cost_max=NODE_COST_BYTES_MAX).told
    assert told["upload_ms"] > 0, told


def start_peers(arena):
    told = arena.run("start_peers", seconds=20).told
    assert told["ok"] == PEERS_MAX - 1, told  # One was there.
    assert told["too_many_peers"] > 0, told
    here = "stranger1@" + arena.node.address
    assert ask(arena.shell, "start_peer kv_store another@" + arena.node.address)["error"] \
        == "too_many_peers"
    assert not ask(arena.shell, "delete_peer " + here)["ok"]
    assert ask(arena.shell, "stop_peer " + here)["ok"]
    assert ask(arena.shell, "delete_peer " + here)["ok"]
    assert ask(arena.shell, "start_peer kv_store another@" + arena.node.address)["ok"]


ATTACKS = {name: lambda arena, name=name: arena.run(name) for name in (
    "refused_neighbours", "small_calls", "small_writes", "small_requests", "empty_calls")}
ATTACKS.update((attack.__name__, attack) for attack in (
    many_gets, unread_gets, large_entries, unreferenced_bytes, refused_crowd, idle_connections,
    start_peers, forged_hellos, noisy_hellos, half_frames, reserved_fields, unread_refusals))


def check(names):
    for name in names or ATTACKS:
        with three_nodes(TIMEOUTS) as (nodes, peers, shell):
            ATTACKS[name](Arena(nodes, peers, shell))


def print_table(names):
    """Of what is measured, whatever it is."""
    print("| attack | sent MiB | memory, peak MiB | p99 ms before | p99 ms | failed | elections "
          "| processor | the attacker was told |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in names or ["nothing", *ATTACKS]:
        with three_nodes() as (nodes, peers, shell):
            seconds = {"start_peers": 20, "half_frames": 8}.get(name, SECONDS)
            try:
                row = Cost(name, Arena(nodes, peers, shell), seconds,
                           quiet_seconds=QUIET_SECONDS).row()
            except Exception as problem:  # The node, or the client, did not bear it.
                row = "| `%s` | %s |" % (name, str(problem) or type(problem).__name__)
            print(row, flush=True)


def main(words):
    if words[:1] == ["--table"]:
        print_table(words[1:])
    else:
        check(words)


main(sys.argv[1:])
