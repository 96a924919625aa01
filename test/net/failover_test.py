"""A leader that is killed, stopped, or stands still, of a cluster that works or is quiet: nothing
acknowledged is lost; how long it took."""

import signal
import time

from cluster import ask, leader_of, three_nodes, wait_for

CYCLES = 3
# Far more than it takes, and far less than if nobody watched the leader of a quiet cluster.
QUIET_SECONDS_MAX = 5


def main():
    with three_nodes() as (nodes, peers, shell):
        node_of = dict(zip(peers, nodes))
        expected = {}
        for cycle in range(CYCLES):
            for graceful in (False, True):
                leader = wait_for("a leader", lambda: leader_of(shell, peers))
                for i in range(20):
                    key = "k%d" % i
                    value = "%d-%s-%d" % (cycle, graceful, i)
                    reply = ask(shell, "write %s set %s %s" % (leader, key, value))
                    if reply["ok"]:
                        expected[key] = value
                others = [p for p in peers if p != leader]
                started = time.monotonic()
                if graceful:
                    assert node_of[leader].stop() == 0
                else:
                    node_of[leader].kill()
                new_leader = wait_for("a new leader", lambda: other_leader(shell, others, leader))
                took = 1000 * (time.monotonic() - started)
                how = "stopped" if graceful else "killed"
                print("%s %s, new leader after %.0f ms" % (how, leader, took))
                check(shell, new_leader, expected)
                node_of[leader].start()
                goal = ask(shell, "status " + new_leader)["value"]["commit"]
                wait_for("the old leader to catch up", lambda: applied(shell, leader) >= goal)


        replace_quiet_leaders(node_of, peers, shell, expected)


def replace_quiet_leaders(node_of, peers, shell, expected):
    """Nobody asks for anything, nobody sends a heartbeat; then the leader is gone."""
    for how in (signal.SIGKILL, signal.SIGSTOP):
        wait_for("all to be quiet", lambda: all(status(shell, p).get("quiet") for p in peers))
        leader = leader_of(shell, peers)
        others = [p for p in peers if p != leader]
        started = time.monotonic()
        node_of[leader].process.send_signal(how)
        new_leader = wait_for("a new leader", lambda: other_leader(shell, others, leader))
        took = time.monotonic() - started
        print("quiet, %s to %s, new leader after %.0f ms" % (how.name, leader, 1000 * took))
        assert took < QUIET_SECONDS_MAX
        if how == signal.SIGKILL:
            node_of[leader].kill()
            node_of[leader].start()
        else:
            node_of[leader].process.send_signal(signal.SIGCONT)
        check(shell, new_leader, expected)


def status(shell, peer):
    return ask(shell, "status " + peer).get("value", {})


def other_leader(shell, peers, old):
    leader = leader_of(shell, peers)
    return leader if leader != old else None


def applied(shell, peer):
    return ask(shell, "status " + peer).get("value", {}).get("applied", 0)


def check(shell, leader, expected):
    """Whatever was acknowledged is there; the leader may just be changing once more."""
    for key, value in expected.items():
        query = "read %s get %s"

        def read():
            nonlocal leader
            reply = ask(shell, query % (leader, key))
            leader = reply.get("leader") or leader
            return reply if reply.get("error") not in ("redirect", "election_in_progress") else None

        reply = wait_for("a read of " + key, read)
        assert reply == {"ok": True, "value": value}, (key, value, reply)


main()
