"""The walk-through: three shells with a node each, line by line, as a newcomer would type it.

Ends with the step that a peer's own process could never answer: what its node says in the place of
a peer that is stopped.
"""

import time

import cluster
from cluster import Shell, wait_for


def main():
    with cluster.directory() as path:
        address = {n: cluster.free_address() for n in "abc"}
        shells = {
            n: Shell("--name", n, "--listen", address[n], "--data", path + "/" + n) for n in "abc"
        }
        try:
            walk(shells["a"], shells["b"], shells["c"], address)
        finally:
            for shell in shells.values():
                shell.close()


def walk(a, b, c, address):
    peer1, peer2, peer3 = ("peer%d@%s" % (i + 1, address[n]) for i, n in enumerate("abc"))

    a.expect("start_peer kv_store peer1", "ok " + peer1)
    b.expect("start_peer kv_store peer2", "ok " + peer2)
    c.expect("start_peer kv_store peer3", "ok " + peer3)
    a.expect("start_peer kv_store peer1", "error already_started")
    a.expect("start_peer no_such_kind peer9", "error unknown_kind no_such_kind")
    assert a.run("start_peer kv_store").startswith("usage: start_peer"), "a usage line"

    a.expect("leader peer1", "none")
    a.expect("write peer1 set foo bar", "error redirect none")
    a.expect("read peer1 get foo", "error redirect none")
    status = a.run("status peer1")
    for part in ("name=" + peer1, "role=follower", "leader=none", "last_index=0", "last_term=0"):
        assert part in status.split(), (part, status)

    a.expect(
        "set_configuration peer1 %s %s" % (peer2, peer3), "error must_be_in_consensus_group"
    )
    started = time.monotonic()
    reply = a.run("set_configuration peer1 peer1 %s %s" % (peer2, peer3))
    print("set_configuration: %s (%.0f ms)" % (reply, 1000 * (time.monotonic() - started)))
    assert reply.startswith("ok ") and all(p in reply for p in (peer1, peer2, peer3)), reply

    a.expect("leader peer1", peer1)
    wait_for("b and c to know the leader", lambda: b.run("leader peer2") == peer1)
    wait_for("c to know the leader", lambda: c.run("leader peer3") == peer1)

    a.expect("write peer1 set foo bar", "ok foo bar")
    a.expect("read peer1 get foo", "ok bar")
    a.expect("read peer1 get baz", "error key_not_found")
    b.expect("write peer2 set foo bar", "error redirect " + peer1)
    c.expect("read peer3 get foo", "ok bar")
    b.expect(
        "set_configuration peer2 %s peer2 %s" % (peer1, peer3), "error redirect " + peer1
    )
    assert "kind=configuration" in a.run("get_entry peer1 1")
    assert "set foo bar" in a.run("get_entry peer1 2")
    a.expect("get_entry peer1 99", "error not_found")

    a.expect("stop_peer peer1", "ok")
    stopped = time.monotonic()
    a.expect("stop_peer peer1", "error no_peer " + peer1)
    a.expect("status peer1", "error no_peer " + peer1)
    new_leader = wait_for(
        "a new leader",
        lambda: next((x for x in (b.run("leader peer2"),) if x in (peer2, peer3)), None),
    )
    took = 1000 * (time.monotonic() - stopped)
    print("new leader %s known %.0f ms after the stop" % (new_leader, took))
    # The node answers for its stopped peer, with what the other members say.
    a.expect("read peer1 get foo", "error redirect " + new_leader)
    a.expect("write peer1 set foo baz", "error redirect " + new_leader)
    a.expect("leader peer1", "error redirect " + new_leader)
    # It is known before it has committed an entry of its own term, and refuses reads until then.
    deadline = time.monotonic() + 5
    while b.run("read %s get foo" % new_leader) == "error election_in_progress":
        assert time.monotonic() < deadline, "the new leader serves"
    b.expect("read %s get foo" % new_leader, "ok bar")

    a.expect("start_peer kv_store peer1", "ok " + peer1)
    wait_for("peer1 to follow", lambda: a.run("leader peer1") == new_leader)
    wait_for("peer1 to catch up", lambda: "applied=3" in a.run("status peer1").split())
    status = a.run("status peer1").split()
    assert "role=follower" in status and "leader=" + new_leader in status, status

    # From afar, too.
    b.expect("stop " + peer1, "ok")
    b.expect("stop " + peer1, "error no_peer " + peer1)
    nowhere = cluster.free_address()
    b.expect("status peer9@" + nowhere, "error unreachable " + nowhere)
    b.expect("status peer9", "error no_peer peer9@" + address["b"])


main()
