"""Reads of every level at every peer of real processes, with a leader that sleeps through its own
replacement: no linearizable or lease read is stale, and sequential reads never go back."""

import json
import signal

from cluster import Shell, ask, leader_of, three_nodes, wait_for

LEVELS = ("--linearizable", "--lease", "--sequential")
CYCLES = 3
COUNT = 40


def main():
    with three_nodes() as (nodes, peers, shell):
        addresses = ",".join(n.address for n in nodes)
        every_level_at_every_peer(shell, peers)
        writes_are_seen_everywhere(shell, peers, addresses)
        for cycle in range(CYCLES):
            a_leader_that_sleeps(shell, dict(zip(peers, nodes)), addresses, cycle)


def every_level_at_every_peer(shell, peers):
    write(shell, peers, "0")
    for peer in peers:
        for level in LEVELS:
            got = read(shell, peers, peer, level)
            print("%-24s %-15s %s" % (peer, level, got), flush=True)
            assert got == "0", (peer, level, got)


def write(shell, peers, value):
    wait_for(
        "a write",
        lambda: ask(shell, "write %s set k %s" % (leader_of(shell, peers), value))["ok"],
    )


def read(shell, peers, peer, level):
    """Until it is answered: on a busy machine the leader may change at any time."""

    def attempt():
        asked = peer if level == "--sequential" else leader_of(shell, peers)
        return ask(shell, "read %s %s get k" % (level, asked)).get("value")

    return wait_for("a read " + level, attempt)


def writes_are_seen_everywhere(shell, peers, addresses):
    """By who wrote, at once; by others, in order."""
    other = Shell("--connect", addresses, "--json")
    last = 0
    for i in range(1, COUNT):
        write(shell, peers, i)
        for peer in peers:
            for level in LEVELS:
                got = read(shell, peers, peer, level)
                assert got == str(i), (peer, level, i, got)
        got = int(read(other, peers, peers[i % len(peers)], "--sequential"))
        assert last <= got <= i, (last, got, i)
        last = got
    other.close()
    print("%d writes were seen by the next read of every level at every peer" % (COUNT - 1))


def a_leader_that_sleeps(shell, node_of, addresses, cycle):
    peers = list(node_of)
    old = wait_for("a leader", lambda: leader_of(shell, peers))
    others = [p for p in peers if p != old]
    before, after = "before-%d" % cycle, "after-%d" % cycle
    write(shell, peers, before)
    # Connected before it falls asleep, so that what they ask of it waits in its sockets.
    informed = [Shell("--connect", addresses, "--json", "--timeout", "20s") for _ in LEVELS]
    for each in informed:
        wait_for("a read", lambda: ask(each, "read %s get k" % old)["ok"])
    node_of[old].process.send_signal(signal.SIGSTOP)
    try:
        # Nobody leads. Peers that are up still serve the reads that need no leader.
        for peer in others:
            got = read(shell, peers, peer, "--sequential")
            assert got == before, got
        new = wait_for("a new leader", lambda: leader_elsewhere(shell, others, old))
        write(shell, others, after)
        # They have seen the write and ask the sleeper, who wakes up as the leader it was.
        for each in informed:
            got = read(each, others, new, "--linearizable")
            assert got == after, got
        for each, level in zip(informed, LEVELS):
            each.send("read %s %s get k" % (level, old))
    finally:
        node_of[old].process.send_signal(signal.SIGCONT)
    for each, level in zip(informed, LEVELS):
        got = json.loads(each.receive())
        print("cycle %d, asked of the sleeper: %-15s %s" % (cycle, level, got), flush=True)
        assert got.get("value", after) == after, (level, got)
        each.close()
    # It follows, and serves every level again.
    for level in LEVELS:
        wait_for(
            level + " at the sleeper",
            lambda: read(shell, peers, old, level) == after,
        )


def leader_elsewhere(shell, peers, old):
    leader = leader_of(shell, peers)
    return leader if leader != old else None


main()
