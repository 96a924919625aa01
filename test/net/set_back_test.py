"""The disk of a follower is set back: an older copy of its directory takes its place.

The store cannot tell, for its file ACKNOWLEDGED is set back with it. The leader and the follower
find out, and say so in their logs, in `status` and in `members`. The follower counts for nothing,
also when it is started again, until it joins again as another incarnation.
"""

import contextlib
import os
import shutil
import subprocess
import time

import cluster
from cluster import Node, Shell, ask, leader_of, status, wait_for

# Elections would start afresh what a leader has heard of its followers.
PATIENT = "election_timeout_min_ms=1500 election_timeout_max_ms=3000 heartbeat_interval_ms=100"
TRIES = 3
# What clients are told at once where no quorum is.
NO_QUORUM = ("election_in_progress", "redirect", "unknown_outcome")


def start_joining(node, leading, name, *flags):
    """Starts the node with --join, and answers what it prints until its peer is a member, or it
    ends."""
    node.arguments = ["--join", leading.address, "--peer", "kv_store", name, *flags]
    node.process = subprocess.Popen(
        [node.program, "node", "--listen", node.address, "--data", node.directory] + node.arguments,
        stdout=subprocess.PIPE,
        stderr=open(node.directory + ".log", "a"),
        text=True,
    )
    lines = []
    for line in node.process.stdout:
        lines.append(line.rstrip("\n"))
        if "joined as" in line or "a member already" in line:
            break
    print(*lines, sep="\n", flush=True)
    return lines


def is_set_aside(line):
    return "set aside as" in line and ".set-back-" in line


def log_of(node):
    with open(node.directory + ".log") as log:
        return [line for line in log if "disk_set_back" in line]


def leads(shell, peer):
    return status(shell, peer).get("role") == "leader"


def leads_in(shell, peer, term):
    shown = status(shell, peer)
    return shown.get("role") == "leader" and shown["term"] == term


def set_back_members(shell, peer):
    return ask(shell, "members " + peer).get("value", {}).get("set_back")


def write(shell, peers, key):
    def written():
        leader = leader_of(shell, peers)
        return leader and ask(shell, "write %s set %s 1" % (leader, key))["ok"]

    wait_for("a write of " + key, written)


def forget(node, peer, shell, peers):
    """Writes, and puts an older copy in the place of the node's directory. Answers the leader and
    its term. The node does not run then."""
    assert node.stop() == 0
    copy = node.directory + ".copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(node.directory, copy)
    node.start()
    for i in range(5):
        write(shell, peers, "forgotten%d" % i)
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    term = status(shell, leader)["term"]
    cluster.caught_up(shell, leader, peer)

    def acknowledged():
        shown = status(shell, leader)
        match = {each["name"]: each["match"] for each in shown["followers"]}
        return not leads_in(shell, leader, term) or match.get(peer, 0) >= shown["commit"]

    wait_for("the leader to hear it", acknowledged)
    node.kill()
    shutil.rmtree(node.directory)
    shutil.copytree(copy, node.directory)
    return leader, term


def set_back(node, peer, shell, peers):
    """Writes, and lets the node forget it. Answers whether its leader found out."""
    leader, term = forget(node, peer, shell, peers)
    node.start()

    def found():
        now = leader_of(shell, [p for p in peers if p != peer])
        if now and status(shell, now).get("term") != term:
            return "too late"
        return set_back_members(shell, leader) == [peer]

    return wait_for("the leader to find out", found) is True


def main():
    with cluster.directory() as path:
        for part in (run, rebuild):
            nodes = [Node(n, os.path.join(path, part.__name__ + n)) for n in "abc"]
            with cluster.running(nodes, PATIENT) as (peers, shell):
                part(nodes, peers, shell)


def run(nodes, peers, shell):
    write(shell, peers, "kept")
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    at = next(i for i, peer in enumerate(peers) if peer != leader)
    third_at = next(i for i, peer in enumerate(peers) if peer != leader and i != at)
    node, peer, third = nodes[at], peers[at], nodes[third_at]
    assert any(set_back(node, peer, shell, peers) for _ in range(TRIES))
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    leading = nodes[peers.index(leader)]
    others = [p for p in peers if p != peer]

    # Both sides say it: in the log, in status, in members, whoever is asked.
    wait_for("both logs", lambda: log_of(leading) and log_of(node))
    print(log_of(leading)[-1], log_of(node)[-1], sep="")
    assert peer in log_of(leading)[-1] and "ERROR" in log_of(leading)[-1].upper()
    follower = next(f for f in status(shell, leader)["followers"] if f["name"] == peer)
    assert follower["set_back"] and follower["match"] == 0, follower
    assert follower["acknowledged"] > 0, follower
    assert status(shell, peer)["set_back"], status(shell, peer)
    for asked in peers:
        assert set_back_members(shell, asked) == [peer], asked

    # It is not fed, and still knows when it starts again.
    held = status(shell, peer)["last_index"]
    write(shell, others, "more")
    assert status(shell, peer)["last_index"] == held
    said = len(log_of(node))
    assert node.stop() == 0
    node.start()
    wait_for("it to say so again", lambda: len(log_of(node)) > said)
    assert status(shell, peer)["set_back"], status(shell, peer)

    # Without the third nobody decides, and nobody is elected with its vote.
    third.kill()
    wait_for("the leader to step down", lambda: not leads(shell, leader))
    term = status(shell, peer)["term"]
    began = time.monotonic()
    told = ask(shell, "write %s set lost 1" % leader)
    took = time.monotonic() - began
    print("told in %.0f ms: %s" % (1000 * took, told))
    assert not told["ok"] and told["error"] in NO_QUORUM, told
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert not leads(shell, leader) and not leads(shell, peer)
        time.sleep(0.1)
    assert status(shell, peer)["term"] == term
    third.start()
    write(shell, others, "again")

    # As another incarnation it counts.
    assert node.stop() == 0
    lines = start_joining(node, leading, peer.split("@")[0], "--rebuild")
    assert is_set_aside(lines[0]), lines
    wait_for("it to vote", lambda: set_back_members(shell, peer) == [])
    wait_for("its status", lambda: status(shell, peer).get("set_back") is False)
    for asked in others:
        wait_for("members at " + asked, lambda a=asked: set_back_members(shell, a) == [])
    cluster.caught_up(shell, wait_for("a leader", lambda: leader_of(shell, others)), peer)
    third.kill()
    write(shell, [leader, peer], "counted")
    now = wait_for("a leader", lambda: leader_of(shell, [leader, peer]))
    for key in ("kept", "forgotten0", "forgotten4", "more", "again", "counted"):
        assert ask(shell, "read %s get %s" % (now, key))["value"] == "1", key


def rebuild(nodes, peers, shell):
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    at = next(i for i, peer in enumerate(peers) if peer != leader)
    assert any(rebuilt(nodes[at], peers[at], nodes, peers, shell) for _ in range(TRIES))


def rebuilt(node, peer, nodes, peers, shell):
    """A node with an older copy of its directory that is started with --join does not start its
    peer, and says what to do. Doing that helps. Answers whether its leader lasted so long."""
    leader, term = forget(node, peer, shell, peers)
    leading, name = nodes[peers.index(leader)], peer.split("@")[0]
    start_joining(node, leading, name)
    with contextlib.suppress(subprocess.TimeoutExpired):
        node.process.wait(5)
    if node.running():
        assert not leads_in(shell, leader, term)
        return False
    assert node.process.returncode == 1
    with open(node.directory + ".log") as log:
        said = [line for line in log if line.startswith("error:")][-1]
    print(said, end="")
    assert "older copy" in said and "start with --rebuild" in said, said
    lines = start_joining(node, leading, name, "--rebuild")
    if not leads_in(shell, leader, term):
        return False
    assert sum(map(is_set_aside, lines)) == 1 and "joined as voter" in lines[-1], lines
    cluster.caught_up(shell, leader, peer)
    assert set_back_members(shell, leader) == []
    return True


if __name__ == "__main__":
    main()
