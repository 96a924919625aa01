"""Peers that must not become members, each refused at once and with its reason; and a cluster whose
nodes all moved, which is the same cluster."""

import os
import shutil
import time

import cluster
from cluster import Node, Shell, ask, free_address, leader_of, wait_for
from joiner import Joiner, cluster_of_one, full, members, read, voters_join, write

AT_ONCE = 5.0  # Seconds. A change waits for newcomers to catch up for thirty.


def refused(shell, command, error, *words):
    began = time.monotonic()
    reply = ask(shell, command)
    took = time.monotonic() - began
    print("%-60s %s" % (command, reply), flush=True)
    assert reply.get("error") == error, (command, reply)
    for word in words:
        assert word in str(reply), (word, reply)
    assert took < AT_ONCE, (took, command)


def a_peer_of_another_cluster(path):
    """Its own cluster may be alive or dead: it does not go on in that, as if nothing were wrong."""
    os.mkdir(os.path.join(path, "other"))
    with cluster_of_one(path) as (nodes, shell, p1):
        with cluster_of_one(os.path.join(path, "other")) as (others, other_shell, q1):
            stranger = Joiner("p2", path, others[0].address).begin()
            nodes.append(stranger)
            stranger.joined("voter")
            assert stranger.stop() == 0
            stranger.arguments[1] = nodes[0].address
            for _ in ("the other cluster lives", "the other cluster is dead"):
                error = stranger.begin().fails()
                print(error, flush=True)
                assert "p2 belongs to another cluster than " + p1 in error, error
                if others[0].running():
                    others[0].kill()
            assert members(shell, p1)["voters"] == [p1]
            # The peer of a node that runs is not taken in either.
            stranger.arguments = ["--name", "s"]
            stranger.begin()
            wait_for("the node", lambda: ask(shell, "peers " + stranger.address)["ok"])
            refused(shell, "add_member %s %s" % (p1, full(stranger)), "invalid", "another cluster")
            write(shell, [p1], "a", "1")


def a_copy_of_a_member(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        original = nodes[2]
        write(shell, [p1], "a", "1")
        assert original.stop() == 0
        copy = Joiner("p3", os.path.join(path, "copy"), nodes[0].address)
        os.mkdir(os.path.join(path, "copy"))
        shutil.copytree(original.directory, copy.directory)
        original.begin().joined("voter")
        before = members(shell, p1)
        error = copy.begin().fails()
        print(error, flush=True)
        assert "is a copy of " + full(original) in error, error

        for i in range(20):
            write(shell, [p1], "b", str(i))
        cluster.caught_up(shell, p1, full(original))
        original.kill()
        error = copy.begin().fails()
        print(error, flush=True)
        assert "older copy" in error, error

        assert members(shell, p1) == before
        # The member itself is as welcome as ever, also at another address.
        original.address = free_address()
        original.begin().joined("voter")
        assert full(original) in members(shell, p1)["voters"]


def peers_that_cannot_become_members(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        node = Node("n", os.path.join(path, "n")).start()
        nodes.append(node)
        peer = "%s@" + node.address
        for name in ("founded", "stopped", "fine", "second"):
            assert ask(shell, "start_peer kv_store " + peer % name)["ok"]
        alone = peer % "founded"
        assert ask(shell, "set_configuration %s %s" % (alone, alone))["ok"]
        assert ask(shell, "stop_peer " + peer % "stopped")["ok"]
        refused(shell, "add_member %s %s" % (p1, alone), "invalid", "another cluster")
        refused(shell, "add_member %s %s" % (p1, peer % "stopped"), "no_peer")

        # A node that says that it lives where the leader does: the two would never dial each other.
        mirror = Node("m", os.path.join(path, "m"), arguments=["--advertise", nodes[0].address])
        nodes.append(mirror.start())
        assert ask(shell, "start_peer kv_store pm@" + mirror.address)["ok"]
        refused(shell, "add_member %s pm@%s" % (p1, mirror.address), "invalid", "advertises")

        # Nothing of it blocks what can be done. Two voters on one node are a matter of a warning.
        assert ask(shell, "add_member %s %s" % (p1, peer % "fine"))["ok"]
        assert ask(shell, "add_member %s %s" % (p1, peer % "second"))["ok"]
        with open(nodes[0].directory + ".log") as log:
            assert any("voters_share_node" in line and node.address in line for line in log)

        # A new peer where a dead member was.
        dead = nodes[2]
        dead.kill()
        shutil.rmtree(dead.directory)
        replacement = Node("r", os.path.join(path, "r"), dead.address).start()
        nodes.append(replacement)
        assert ask(shell, "start_peer kv_store p9@" + dead.address)["ok"]
        refused(shell, "add_member %s p9@%s" % (p1, dead.address), "invalid", full(dead))
        assert ask(shell, "remove_member %s %s" % (p1, full(dead)))["ok"]
        assert ask(shell, "add_member %s p9@%s" % (p1, dead.address))["ok"]


def nodes_that_cannot_join(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes, ["p2"])
        at = nodes[0].address
        # Another node answers at its address, with or without a peer of its name.
        for name in ("p9", "p2"):
            where = os.path.join(path, "twin-" + name)
            os.mkdir(where)
            twin = Joiner(name, where, at, "--advertise", nodes[1].address).begin()
            nodes.append(twin)
            error = twin.fails()
            print(error, flush=True)
            assert "another node answers at " + nodes[1].address in error, error
        assert members(shell, p1)["voters"] == sorted([p1, full(nodes[1])])
        # It was told of nobody but itself.
        lonely = Joiner("p8", path, at)
        lonely.arguments[1] = lonely.address
        error = lonely.begin().fails()
        assert "is this node itself" in error, error


def all_nodes_move(path):
    """To addresses that nobody had, and then around: each to that of the next."""
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        write(shell, [p1], "a", "1")
        shell.close()
        assert nodes[0].stop() == 0
        nodes[0] = Joiner("p1", path, "", address=nodes[0].address)
        for where in ("elsewhere", "around"):
            for node in nodes:
                if node.running():
                    assert node.stop() == 0
            addresses = [node.address for node in nodes]
            moved = addresses[1:] + addresses[:1]
            if where == "elsewhere":
                moved = [free_address() for _ in nodes]
            for node, address in zip(nodes, moved):
                node.address = address
                node.arguments[1] = ",".join(moved)
            began = time.monotonic()
            for node in nodes:
                node.begin()
            for node in nodes:
                node.joined("voter", 20)
            print("%s after %.1f s" % (where, time.monotonic() - began), flush=True)
            peers = [full(node) for node in nodes]
            shell = Shell("--connect", nodes[0].address, "--json")
            write(shell, peers, "b", where)
            assert read(shell, peers, "a") == "1"
            leader = wait_for("a leader", lambda: leader_of(shell, peers))
            assert members(shell, leader)["voters"] == sorted(peers), members(shell, leader)
            # All count: with any one of them gone the others decide.
            nodes[1].kill()
            write(shell, [peers[0], peers[2]], "c", where)
            nodes[1].begin().joined("voter", 20)
            shell.close()


cluster.run_parts(
    a_peer_of_another_cluster,
    a_copy_of_a_member,
    peers_that_cannot_become_members,
    nodes_that_cannot_join,
    all_nodes_move,
)
