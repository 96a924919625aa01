"""Nodes that become members by one command each, whatever dies meanwhile."""

import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

import cluster
from cluster import TROUPE, Node, Shell, ask, free_address, leader_of, wait_for
from joiner import Joiner, cluster_of_one, full, members, read, voters_join, write

# A run that measures: python3 join_test.py ROUNDS
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
GOAL = 3.0  # Seconds that the median must be below.


def as_each_rank(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        write(shell, [p1], "a", "1")
        for name, flags, rank in (
            ("v", [], "voters"),
            ("l", ["--learner"], "learners"),
            ("s", ["--standby"], "standbys"),
        ):
            node = Joiner(name, path, nodes[0].address, *flags).begin()
            nodes.append(node)
            took = node.joined(rank[:-1])
            print("joined as %s after %.0f ms" % (rank[:-1], 1000 * took))
            assert full(node) in members(shell, p1)[rank], members(shell, p1)
        learner, standby = nodes[2], nodes[3]
        # A standby keeps no log, and knows who leads all the same.
        assert ask(shell, "leader " + full(standby))["value"] == p1
        assert ask(shell, "status " + full(standby))["value"]["last_index"] == 0
        assert members(shell, full(standby)) == members(shell, p1)
        # One rung after the other, up and down.
        for command, rank in (
            ("promote", "learners"),
            ("promote", "voters"),
            ("demote", "learners"),
            ("demote", "standbys"),
        ):
            reply = ask(shell, "%s %s %s" % (command, p1, full(standby)))
            assert full(standby) in reply["value"][rank], (command, reply)
        # Started again as before, a member stays what it is; so does a learner that was told so.
        for node, rank in ((nodes[1], "voter"), (learner, "learner")):
            assert node.stop() == 0
            node.begin().joined(rank)
            assert node.said("a member already"), node.lines
        for node in nodes:
            assert node.stop() == 0


def from_nothing(path):
    """One bootstrap and two joins, all begun at once."""
    address = free_address()
    joiners = [Joiner(name, path, address).begin() for name in ("q2", "q3")]
    time.sleep(0.3)
    node = Node("q1", os.path.join(path, "q1"), address).start()
    shell = Shell("--connect", address, "--json")
    try:
        assert ask(shell, "start_peer kv_store q1")["ok"]
        assert ask(shell, "set_configuration q1 q1")["ok"]
        founded = time.monotonic()
        for joiner in joiners:
            joiner.joined("voter", 10)
        print("two joined after %.0f ms" % (1000 * (time.monotonic() - founded)))
        assert len(members(shell, "q1")["voters"]) == 3
        peers = ["q1@" + address] + [full(joiner) for joiner in joiners]
        write(shell, peers, "a", "1")
        node.kill()  # Two of three go on.
        shell.close()
        shell = Shell("--connect", joiners[0].address, "--json")
        write(shell, peers[1:], "b", "2")
    finally:
        shell.close()
        for each in [node] + joiners:
            if each.running():
                each.kill()


def while_the_leader_dies(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        write(shell, [p1], "big", "x" * 100000)
        peers = [p1] + [full(node) for node in nodes[1:]]
        leader = leader_of(shell, peers)
        assert leader == p1
        shell.close()
        # p1 is the only one that the joiner was told of, and dies under it; then it is back.
        shell2 = Shell("--connect", nodes[1].address, "--json")
        joiner = Joiner("p4", path, nodes[0].address).begin()
        nodes.append(joiner)
        nodes[0].kill()
        wait_for("another leader", lambda: leader_of(shell2, peers[1:]) not in (None, p1))
        nodes[0].start()
        joiner.joined("voter", 20)
        leader = wait_for("a leader", lambda: leader_of(shell2, peers[1:]))
        wait_for("p4 to vote", lambda: full(joiner) in members(shell2, leader)["voters"])
        assert read(shell2, peers, "big") == "x" * 100000
        shell2.close()


def with_a_wiped_disk(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        write(shell, [p1], "a", "1")
        lost = nodes[2]
        before = ids(shell, p1)
        lost.kill()
        shutil.rmtree(lost.directory)
        lost.begin().joined("voter")
        after = members(shell, p1)["voters"]
        assert after == sorted([p1, full(nodes[1]), full(lost)]), after
        assert ids(shell, p1) > before  # The configuration is another.
        # Its new incarnation counts: with it, two of three decide.
        nodes[1].kill()
        write(shell, [p1], "b", "2")

        # Damaged instead of lost.
        nodes[1].begin().joined("voter")
        lost.kill()
        damage(os.path.join(lost.directory, "data.mdb"))
        lost.begin()
        assert lost.process.wait(10) == 1
        assert "data.mdb" in lost.error(), lost.error()
        lost.arguments.append("--rebuild")
        lost.begin().joined("voter")
        assert lost.said("set aside as"), lost.lines
        assert glob.glob(lost.directory + ".corrupt-*")
        nodes[1].kill()
        write(shell, [p1], "c", "3")
        assert read(shell, [p1], "a") == "1"
        # What is not corrupt is not set aside.
        lost.kill()
        lost.begin().joined("voter")
        assert len(glob.glob(lost.directory + ".corrupt-*")) == 1


def ids(shell, peer):
    return ask(shell, "status " + peer)["value"]["configuration_index"]


def damage(file):
    with open(file, "r+b") as data:
        size = os.path.getsize(file)
        for at in range(8192, size, 64):
            data.seek(at)
            data.write(b"\xff" * 8)


def a_standby_takes_over(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        nodes.append(Joiner("s", path, nodes[0].address, "--standby").begin())
        nodes[-1].joined("standby")
        kept = ask(shell, "keep_voters %s 3 --after 1" % p1)["value"]
        assert kept["keep_voters"] == {"count": 3, "after_ms": 1000}, kept
        write(shell, [p1], "a", "1")
        gone, standby = nodes[2], nodes[3]
        gone.kill()
        died = time.monotonic()
        wait_for("the standby to vote", lambda: full(standby) in members(shell, p1)["voters"])
        print("a standby took over after %.0f ms" % (1000 * (time.monotonic() - died)))
        now = wait_for(
            "three voters", lambda: not members(shell, p1)["old_voters"] and members(shell, p1)
        )
        assert now["voters"] == sorted([p1, full(nodes[1]), full(standby)]), now
        assert now["standbys"] == [full(gone)], now
        # It counts: with the leader alone it decides.
        nodes[1].kill()
        write(shell, [p1], "b", "2")
        # A voter that comes back stays a standby, until the cluster is short of voters again.
        gone.begin().joined("standby", 20)
        wait_for("it to take over from p2", lambda: full(gone) in members(shell, p1)["voters"])
        assert read(shell, [p1], "b") == "2"


def at_another_address(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        moved = nodes[2]
        assert moved.stop() == 0
        moved.address = free_address()
        moved.begin().joined("voter")
        assert full(moved) in members(shell, p1)["voters"], members(shell, p1)
        assert len(members(shell, p1)["voters"]) == 3
        nodes[1].kill()
        write(shell, [p1], "a", "1")


def clear_errors(path):
    with cluster_of_one(path) as (nodes, shell, p1):
        at = nodes[0].address

        def failure(name, *flags, at=at, kind="kv_store"):
            node = Joiner(name, path, at, *flags)
            node.arguments[3] = kind
            node.begin()
            assert node.process.wait(10) == 1, node.lines
            return node.error()

        said = failure("e1", kind="text_store") if "text_store" in kinds() else None
        assert said is None or said == "error: no text_store at %s: p1 is a kv_store" % at, said
        assert "unknown_kind" in failure("e2", kind="no_such_kind")
        assert ask(shell, "start_peer kv_store other@" + at)["ok"]
        assert ask(shell, "set_configuration other@%s other@%s" % (at, at))["ok"]
        several = "several clusters of kv_store at %s: say --cluster with one of" % at
        assert several in failure("e3"), failure("e3")
        assert "no peer p7" in failure("e4", "--cluster", "p7")
        node = Joiner("ok", path, at, "--cluster", "p1").begin()
        nodes.append(node)
        node.joined("voter")
        taken = Joiner("ok", os.path.join(path, "second"), at, "--cluster", "p1")
        os.mkdir(os.path.join(path, "second"))
        taken.begin()
        assert taken.process.wait(10) == 1
        assert "the name ok is taken by " + full(node) in taken.error(), taken.error()

        # Nobody is there: it waits until it is told to stop, and that is no failure.
        waiting = Joiner("w", path, free_address()).begin()
        wait_for("it to say so", lambda: waiting.said("is not reachable"))
        waiting.process.terminate()
        assert waiting.process.wait(10) == 0


def kinds():
    shell = subprocess.run(
        [TROUPE, "shell", "--connect", free_address(), "-c", "help"], capture_output=True, text=True
    )
    return shell.stdout


def measure(path):
    """So many rounds each; the figures of one round are printed as well."""
    took = {}

    def timed(what, seconds):
        took.setdefault(what, []).append(1000 * seconds)

    with cluster_of_one(path) as (nodes, shell, p1):
        voters_join(path, nodes)
        p2 = full(nodes[1])
        for round_number in range(ROUNDS):
            for rank in ("voter", "learner", "standby"):
                flags = [] if rank == "voter" else ["--" + rank]
                name = "%s%d" % (rank[0], round_number)
                node = Joiner(name, path, nodes[0].address, *flags).begin()
                timed("join as " + rank, node.joined(rank))
                peer = full(node)
                do(shell, timed, "remove_member", p1, peer)
                if rank == "learner":
                    do(shell, timed, "add_member", p1, peer)
                    do(shell, timed, "demote", p1, peer)
                    do(shell, timed, "promote", p1, peer)
                    do(shell, timed, "remove_member", p1, peer)
                node.kill()
            do(shell, timed, "transfer", p1, p2)
            wait_for("p2 to lead", lambda: leader_of(shell, [p1]) == p2)
            assert ask(shell, "transfer %s %s" % (p2, p1))["ok"]
            wait_for("p1 to lead", lambda: leader_of(shell, [p1, p2]) == p1)
            wait_for("p1 to commit", lambda: ask(shell, "write %s set x 1" % p1)["ok"])
    for what, figures in took.items():
        print(
            "%-16s %3d runs, median %4.0f ms, max %4.0f ms"
            % (what, len(figures), statistics.median(figures), max(figures))
        )
        assert statistics.median(figures) < 1000 * GOAL, (what, figures)


def do(shell, timed, command, leader, peer):
    def done():
        started = time.monotonic()
        reply = ask(shell, "%s %s %s" % (command, leader, peer))
        if reply["ok"]:
            timed(command, time.monotonic() - started)
            return True
        # A leader that has just been elected has not committed yet.
        assert reply["error"] in ("configuration_in_progress", "election_in_progress"), reply
        return False

    wait_for(command, done)


def main():
    if ROUNDS > 1:
        with cluster.directory() as path:
            return measure(path)
    cluster.run_parts(
        as_each_rank,
        from_nothing,
        while_the_leader_dies,
        with_a_wiped_disk,
        a_standby_takes_over,
        at_another_address,
        clear_errors,
        measure,
    )


main()
