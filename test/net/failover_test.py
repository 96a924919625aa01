"""A leader that is killed, and one that leaves: nothing acknowledged is lost, and how long it took."""

import time

from cluster import ask, leader_of, three_nodes, wait_for

CYCLES = 3


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
                new_leader = wait_for(
                    "a new leader",
                    lambda: next((x for x in (leader_of(shell, others),) if x and x != leader), None),
                )
                print(
                    "%s %s, new leader after %.0f ms"
                    % ("stopped" if graceful else "killed", leader, 1000 * (time.monotonic() - started))
                )
                check(shell, new_leader, expected)
                node_of[leader].start()
                goal = ask(shell, "status " + new_leader)["value"]["commit"]
                wait_for(
                    "the old leader to catch up",
                    lambda: ask(shell, "status " + leader).get("value", {}).get("applied", 0) >= goal,
                )


def check(shell, leader, expected):
    for key, value in expected.items():
        reply = ask(shell, "read %s get %s" % (leader, key))
        if reply.get("error") == "redirect":
            leader = reply["leader"]
            reply = ask(shell, "read %s get %s" % (leader, key))
        elif reply.get("error") == "election_in_progress":
            reply = wait_for(
                "reads", lambda: next((r for r in (ask(shell, "read %s get %s" % (leader, key)),) if r["ok"]), None)
            )
        assert reply == {"ok": True, "value": value}, (key, value, reply)


main()
