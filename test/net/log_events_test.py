"""What operators read in the logs of nodes: that a member is lost and back, that the configuration
changed, why leadership moved, and whom a peer without a quorum does not reach. A peer that is alone
logs a few lines, however often it campaigns."""

import re
import time

from cluster import ask, leader_of, three_nodes, wait_for, wait_for_event

# So long a peer is left alone. It campaigns about four times a second.
ALONE_SECONDS = 4
LINES_MAX = 10


def log_of(node):
    with open(node.directory + ".log") as file:
        return file.read().splitlines()


def main():
    with three_nodes() as (nodes, peers, shell):
        node_of = dict(zip(peers, nodes))
        leader = wait_for("a leader", lambda: leader_of(shell, peers))
        followers = [p for p in peers if p != leader]

        # A write, lest they are quiet and do not listen to each other.
        lost = followers[0]
        node_of[lost].kill()
        wait_for("a write", lambda: ask(shell, "write %s set k v" % leader)["ok"])
        wait_for_event(node_of[leader], "member_lost", "member=" + lost)
        node_of[lost].start()
        wait_for_event(node_of[leader], "member_back", "member=" + lost)

        name = lost.split("@")[0]
        assert ask(shell, "remove_member %s %s" % (leader, name))["ok"]
        line = wait_for_event(node_of[leader], "configuration_changed")
        assert lost not in line, line
        assert ask(shell, "add_member %s %s" % (leader, lost))["ok"]
        wait_for_event(node_of[leader], "configuration_changed", lost)

        assert ask(shell, "transfer %s %s" % (leader, followers[1].split("@")[0]))["ok"]
        wait_for_event(node_of[leader], "handing_over", "to=" + followers[1], "why=asked")
        wait_for_event(node_of[leader], "role", "role=follower", "by=" + followers[1])
        wait_for_event(node_of[followers[1]], "role", "why=asked_to_lead", "by=" + leader)

        leader = followers[1]
        alone = next(p for p in peers if p != leader)
        others = [p for p in peers if p != alone]
        before = len(log_of(node_of[alone]))
        for peer in others:
            node_of[peer].kill()
        line = wait_for_event(node_of[alone], "no_quorum")
        assert all(peer in line for peer in others), line
        time.sleep(ALONE_SECONDS)  # For it to campaign a while: what is counted is what it logs.
        lines = log_of(node_of[alone])[before:]
        print("%d lines of a peer alone in %g s" % (len(lines), ALONE_SECONDS), flush=True)
        assert len(lines) <= LINES_MAX, "\n".join(lines)
        assert sum(line.endswith("event=no_quorum") for line in lines) == 1
        assert any(re.search(r"role=pre_candidate .*why=(silence|disconnected)", s) for s in lines)


main()
