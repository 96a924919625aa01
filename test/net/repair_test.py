"""Two of three are lost for good: the survivor is made a cluster of its own, by hand.

Refused while a quorum lives. What was acknowledged is there, two fresh members come in, and the old
majority, which comes back after all, is another cluster by then: it disturbs nobody.
"""

import json
import os
import re
import subprocess
import time

import cluster
from cluster import Node, Shell, ask, leader_of, wait_for

KEYS = 50
UNDISTURBED_SECONDS = 2.0


def main():
    with cluster.directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abcde"]
        a, b, c, d, e = nodes
        peers = ["peer%d@%s" % (i + 1, n.address) for i, n in enumerate(nodes)]
        try:
            for node in nodes:
                node.start()
            lose_and_repair(nodes, peers)
        finally:
            for node in nodes:
                if node.running():
                    node.kill()


def lose_and_repair(nodes, peers):
    a, b, c, d, e = nodes
    old = peers[:3]
    shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
    for peer in peers:
        assert ask(shell, "start_peer kv_store " + peer)["ok"]
    assert ask(shell, "set_configuration %s %s" % (old[0], " ".join(old)))["ok"]
    leader = wait_for("a leader", lambda: leader_of(shell, old))
    for i in range(KEYS):
        assert ask(shell, "write %s set k%d %d" % (leader, i, i))["ok"]
    goal = status(shell, leader)["commit"]
    wait_for("the survivor to have it all", lambda: status(shell, old[0])["applied"] >= goal)

    refused(a, "locked")
    c.kill()
    # In order: what it has applied may be on the others' disks only. That would be lost with them.
    assert a.stop() == 0
    # It may have handed over to b, which leads until it misses its quorum.
    answer = wait_for("b to be without a leader", lambda: not_led(repair(a)))
    assert answer["error"] == "quorum_lives" and old[1] in answer["detail"], answer
    b.kill()
    refused(a, "not_confirmed", confirm=False)
    refused(a, "no_peer", peer="peer9")
    refused(e, "locked")
    started = time.monotonic()
    answer = repair(a)
    assert answer["ok"] and answer["value"]["voters"] == [old[0]], answer
    print("repaired in %.0f ms" % (1000 * (time.monotonic() - started)))
    refused(a, "alone")
    with open(os.path.join(a.directory, "repair.log")) as log:
        lines = log.read().splitlines()
    last = int(re.search(r" last=\d+/(\d+) ", lines[0]).group(1))
    assert last >= goal, (goal, lines)
    assert len(lines) == 2 and "done:" in lines[1] and old[1] + " is silent" in lines[0], lines

    started = time.monotonic()
    a.start()
    wait_for("the survivor to lead", lambda: leader_of(shell, [old[0]]) == old[0])
    print("leads %.0f ms after its start" % (1000 * (time.monotonic() - started)))
    check(shell, old[0], KEYS)
    added = ask(shell, "add_member %s %s %s" % (old[0], peers[3], peers[4]))
    assert added["ok"] and added["value"]["voters"] == [old[0], peers[3], peers[4]], added
    assert ask(shell, "write %s set after repair" % old[0])["ok"]
    comes_back(shell, nodes, peers)
    shell.close()


def comes_back(shell, nodes, peers):
    """The lost majority has a quorum of what it remembers, and is a cluster of the past."""
    a, b, c, d, e = nodes
    b.start()
    c.start()
    past = wait_for("the past to elect", lambda: leader_of(shell, peers[1:3]))
    assert past in peers[1:3], past
    before = status(shell, peers[0])
    assert ask(shell, "write %s set k0 past" % past)["ok"]
    end = time.monotonic() + UNDISTURBED_SECONDS
    count = 0
    while time.monotonic() < end:
        reply = ask(shell, "write %s set busy %d" % (peers[0], count))
        assert reply["ok"], reply
        count += 1
    after = status(shell, peers[0])
    assert (after["role"], after["term"]) == ("leader", before["term"]), (before, after)
    check(shell, peers[0], KEYS)
    reply = ask(shell, "read %s get after" % past)
    assert reply.get("error") == "key_not_found", reply
    print("%d writes beside the past's cluster, in one term" % count)

    # The survivor may die like any other member.
    a.kill()
    new = wait_for("another leader", lambda: other(leader_of(shell, peers[3:]), peers[0]))
    check(shell, new, KEYS)


def other(leader, old):
    return leader if leader != old else None


def repair(node, peer="peer1", confirm=True):
    command = [cluster.TROUPE, "repair", "force-configuration", "--data-dir", node.directory]
    command += ["--peer", peer, "--json"] + (["--yes"] if confirm else [])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == answer["ok"], (done.returncode, answer)
    return answer


def not_led(answer):
    return None if answer.get("error") == "cluster_lives" else answer


def refused(node, error, **how):
    answer = repair(node, **how)
    print("%-14s %s" % (answer.get("error"), answer.get("detail", "")), flush=True)
    assert answer.get("error") == error, answer
    return answer


def check(shell, leader, keys):
    for i in range(keys):

        def read():
            reply = ask(shell, "read %s get k%d" % (leader, i))
            # Of a leader whose first entry is not committed yet.
            return None if reply.get("error") == "election_in_progress" else reply

        reply = wait_for("a read of k%d" % i, read)
        assert reply == {"ok": True, "value": str(i)}, (i, reply)


def status(shell, peer):
    return ask(shell, "status " + peer).get("value", {})


main()
