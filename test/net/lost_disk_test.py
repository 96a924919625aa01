"""The disk of a follower is lost: its node is started with an empty directory, and a peer there
under the old name. That one has another id and is no member.

The leader and the node say so in their logs, and `status` and `members` show it, until the peer
takes the place of the member by the command that the leader's log names. A node that is started
with --join says nothing of the kind, for its peer takes that place by itself.
"""

import re
import shutil

import cluster
from cluster import ask, events, leader_of, status, wait_for, wait_for_event
from joiner import Joiner, full, members, write

# An election would start afresh what a leader has found out.
PATIENCE = "election_timeout_min_ms=500 election_timeout_max_ms=1000"


def lose(node):
    node.kill()
    shutil.rmtree(node.directory)


def field(line, key):
    return re.search(r"\b%s=(\S+)" % key, line).group(1)


def main():
    with cluster.three_nodes(PATIENCE) as (nodes, peers, shell):
        write(shell, peers, "kept", "1")
        leader = wait_for("a leader", lambda: leader_of(shell, peers))
        at = next(i for i, peer in enumerate(peers) if peer != leader)
        started_plainly(nodes, peers, shell, leader, at)
        third = next(i for i, peer in enumerate(peers) if peer != leader and i != at)
        started_to_join(nodes, peers, shell, leader, third)


def started_plainly(nodes, peers, shell, leader, at):
    node, peer, name = nodes[at], peers[at], peers[at].split("@")[0]
    leading = nodes[peers.index(leader)]
    lose(node)
    wait_for_event(leading, "member_lost", "member=" + peer)
    node.start()
    assert ask(shell, "start_peer kv_store " + peer)["ok"]

    line = wait_for_event(leading, "disk_lost", "member=" + peer)
    own = wait_for_event(node, "disk_lost", "peer=" + name)
    for key in ("expected", "found"):
        assert field(line, key) == field(own, key), key
    assert field(line, "expected") != field(line, "found")
    assert "level=error" in line and "level=error" in own
    for asked in peers:
        if asked != peer:
            shown = members(shell, asked)
            assert shown["disk_lost"] == [peer] and shown["set_back"] == [], shown
    follower = next(f for f in status(shell, leader)["followers"] if f["name"] == peer)
    assert follower["disk_lost"], follower

    # The peer takes the place of the member, and counts.
    command = re.search(r"run (add_member \S+ [^\s\"]+)", line).group(1)
    print(command, flush=True)
    assert ask(shell, command)["ok"], command
    wait_for("members", lambda: members(shell, leader)["disk_lost"] == [])
    assert members(shell, leader)["voters"] == sorted(peers)
    cluster.caught_up(shell, leader, peer)
    third = next(i for i, each in enumerate(peers) if each not in (leader, peer))
    nodes[third].kill()
    write(shell, [leader, peer], "counted", "1")
    nodes[third].start()
    cluster.caught_up(shell, leader, peers[third])
    assert len(events(leading, "disk_lost")) == len(events(node, "disk_lost")) == 1


def started_to_join(nodes, peers, shell, leader, at):
    node, peer = nodes[at], peers[at]
    leading = nodes[peers.index(leader)]
    lost = len(events(leading, "member_lost"))
    lose(node)
    wait_for("the loss", lambda: len(events(leading, "member_lost")) > lost)
    joiner = Joiner(peer.split("@")[0], "", leading.address, address=node.address)
    joiner.directory = node.directory
    nodes[at] = joiner.begin()
    assert full(joiner) == peer
    joiner.joined("voter")
    cluster.caught_up(shell, leader, peer)
    assert not events(node, "disk_lost"), events(node, "disk_lost")
    assert not events(leading, "disk_lost", "member=" + peer)


main()
