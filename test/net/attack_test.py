"""An attacker that may connect and speaks the protocol: what each attack on the leader of three
nodes costs, while somebody else reads and writes. Prints memory, delays and elections."""

import json
import os
import subprocess
import sys
import threading
import time

from cluster import Shell, ask, leader_of, status, three_nodes, wait_for

ATTACKER = os.environ.get("ATTACKER", "troupe_attacker")
SECONDS = 4
# Of the leader, beside what it takes without an attack: what one connection may ask for and not be
# answered, frames on their way in, and what an allocator keeps.
COST_BYTES_MAX = 96 << 20
# Where the answers are large: 32 MiB of them, as values and as frames, in memory of many sizes.
ANSWERS_COST_BYTES_MAX = 256 << 20
# A write that was acknowledged stands in the log.
ENTRY_COST_BYTES_MAX = 256
# Far above what a busy machine makes of them: only an attack that holds up the leader for long
# makes another one.
TIMEOUTS = "election_timeout_min_ms=1000 election_timeout_max_ms=2000"
PEERS_MAX = 1000


class Honest(threading.Thread):
    """Writes and reads, one after the other, as somebody who knows nothing of the attack."""

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


class Arena:
    """The leader of three nodes, which is attacked."""

    def __init__(self, nodes, peers, shell):
        self.nodes, self.peers, self.shell = nodes, peers, shell
        self.leader = wait_for("a leader", lambda: leader_of(shell, peers))
        self.node = next(n for n in nodes if self.leader.endswith(n.address))
        wait_for("a write", lambda: ask(shell, "write %s set k v" % self.leader)["ok"])

    def run(self, name, seconds=SECONDS, cost_max=COST_BYTES_MAX):
        """Answers what the attacker was told. The leader must bear it, and the others as well."""
        before = memory_bytes(self.node, "VmRSS")
        with open("/proc/%d/clear_refs" % self.node.process.pid, "w") as f:
            f.write("5")  # The peak begins anew.
        term = status(self.shell, self.leader)["term"]
        honest = Honest(self.node.address, self.leader)
        honest.start()
        told = attack(name, self.node.address, self.leader, seconds)
        honest.finish()
        now = wait_for("a leader", lambda: leader_of(self.shell, self.peers))
        elections = status(self.shell, now)["term"] - term
        cost = memory_bytes(self.node, "VmHWM") - before
        print("%-20s peak +%d MiB, then +%d MiB; honest p99 %.1f ms, %d of %d failed; %d elections"
              % (name, cost >> 20, (memory_bytes(self.node, "VmRSS") - before) >> 20,
                 honest.p99(), len(honest.failures), len(honest.delays), elections))
        print("%-20s %s" % ("", json.dumps(told)), flush=True)
        assert told["frames"] > 1, told
        written = told["told"].get("ok", 0) if "write" in name else 0
        assert cost < cost_max + written * ENTRY_COST_BYTES_MAX, cost
        assert elections == 0, elections
        assert not honest.failures, honest.failures[:5]
        return told["told"]


def reserved_fields(arena):
    told = arena.run("reserved_fields")
    refused = "invalid the command sets session, sequence or resource, which are reserved"
    assert told == {refused: 3}, told
    reply = ask(arena.shell, "read %s get reserved" % arena.leader)
    assert reply["error"] == "key_not_found", reply


def many_gets(arena):
    reply = ask(arena.shell, "write %s set large %s" % (arena.leader, "v" * (1 << 20)))
    assert reply["ok"], reply
    told = arena.run("many_gets", cost_max=ANSWERS_COST_BYTES_MAX)
    assert told["busy"] > told["ok"] > 0, told


def unreferenced_bytes(arena):
    told = arena.run("unreferenced_bytes")
    assert "ok" not in told, told


def start_peers(arena):
    told = arena.run("start_peers", seconds=20)
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
ATTACKS.update(reserved_fields=reserved_fields, many_gets=many_gets,
               unreferenced_bytes=unreferenced_bytes, start_peers=start_peers)


def main(names):
    for name in names or ATTACKS:
        with three_nodes(TIMEOUTS) as (nodes, peers, shell):
            ATTACKS[name](Arena(nodes, peers, shell))


main(sys.argv[1:])
