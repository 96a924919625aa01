"""A shell finds the leader: nothing that certainly did not happen is left undone, whichever nodes
are gone, and nothing that may have happened is done twice."""

import collections
import contextlib
import os
import subprocess
import threading
import time

import cluster
from cluster import TROUPE, Node, Shell, ask, three_nodes, wait_for

WRITES = 3000
KILLED_AFTER = 200
# One write is in flight when its leader is killed. A busy machine may lose another leader.
DOUBTFUL_MAX = 5


def main():
    a_leader_that_is_killed_amid_piped_writes()
    a_script_ends_at_its_first_error()
    a_shell_waits_for_nodes_and_a_leader()


def shell(*arguments, text=None):
    """The lines that a shell of its own prints, and its exit code."""
    done = subprocess.run(
        [TROUPE, "shell", *arguments], input=text, capture_output=True, text=True, timeout=60
    )
    return done.stdout.splitlines(), done.returncode


def connected(nodes):
    return ["--connect", ",".join(n.address for n in nodes)]


def a_leader_that_is_killed_amid_piped_writes():
    with three_nodes() as (nodes, peers, harness):
        old = wait_for("a leader", lambda: cluster.leader_of(harness, peers))
        leader = dict(zip(peers, nodes))[old]
        replies = written_while(nodes, "peer1", lambda: leader.kill())
        tally = collections.Counter(r if r.startswith("error") else "ok" for r in replies)
        print("%d piped writes, leader killed: %s" % (WRITES, dict(tally)), flush=True)
        doubtful = tally["error unknown_outcome"] + tally["error timeout"]
        assert tally["ok"] + doubtful == WRITES and doubtful <= DOUBTFUL_MAX, tally

        # Nodes that are gone do not matter to those who name them, or nobody in particular.
        left = [n for n in nodes if n != leader]
        for named in (old.split("@")[0], old):
            said, code = shell(*connected([leader] + left), "-c", "leader " + named)
            assert code == 0 and said[0] in peers and said[0] != old, (said, code)
        with contextlib.closing(Shell(*connected(left), "--json", follow=True)) as reader:
            for i, reply in enumerate(replies):
                if reply.startswith("ok"):
                    assert ask(reader, "read %s get k%d" % (old, i))["value"] == "v%d" % i, i
        print("all that was acknowledged is read by the name of the dead peer", flush=True)
        # Its own affairs are its node's.
        said, code = shell(*connected([leader] + left), "-c", "status " + old)
        assert (said, code) == (["error unreachable " + leader.address], 1), (said, code)
        said, code = shell(*connected(left), "--no-follow", "-c", "leader peer9")
        assert (said, code) == (["error no_peer peer9@" + left[0].address], 1), (said, code)


def written_while(nodes, peer, disturb):
    """The replies to piped writes; some are answered before `disturb`."""
    process = subprocess.Popen(
        [TROUPE, "shell", *connected(nodes), "--keep-going", "--timeout", "20s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def feed():
        for i in range(WRITES):
            process.stdin.write("write %s set k%d v%d\n" % (peer, i, i))
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    replies = []
    for line in process.stdout:
        replies.append(line.rstrip("\n"))
        if len(replies) == KILLED_AFTER:
            disturb()
    feeder.join()
    process.wait(10)
    return replies


def a_script_ends_at_its_first_error():
    with three_nodes() as (nodes, peers, _):
        at = connected(nodes)
        script = "write peer1 set a 1\nread peer1 get nothing\nwrite peer1 set b 2\n"
        assert shell(*at, text=script) == (["ok a 1", "error key_not_found"], 1)
        everything = ["ok a 1", "error key_not_found", "ok b 2"]
        assert shell(*at, "--keep-going", text=script) == (everything, 1)
        words = [word for line in script.splitlines() for word in ("-c", line)]
        assert shell(*at, *words) == (everything[:2], 1)
        assert shell(*at, "--keep-going", *words) == (everything, 1)
        one = script.replace("\n", ";")
        assert shell(*at, "-c", one) == (everything[:2], 1)
        assert shell(*at, "-c", "frobnicate", "-c", "peers")[0] == [
            "error unknown_command frobnicate (try help)"
        ]
        print("a script ends at its first error", flush=True)


def a_shell_waits_for_nodes_and_a_leader():
    with cluster.directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abc"]
        peers = ["peer%d@%s" % (i + 1, n.address) for i, n in enumerate(nodes)]
        try:
            said, code = shell(*connected(nodes), "-c", "peers")
            assert (said, code) == (["error unreachable " + nodes[0].address], 1), (said, code)

            commands = ["start_peer kv_store " + peer for peer in peers]
            commands.append("set_configuration peer1 " + " ".join(peers))
            waiting = Waiting(*connected(nodes), "--wait", "30s", text="\n".join(commands) + "\n")
            for node in nodes:
                node.start()
            said, code = waiting.end()
            assert code == 0 and said[:3] == ["ok " + peer for peer in peers], (said, code)

            leader = wait_for("a leader", lambda: first_line(nodes, "leader peer1"))
            others = [n for n in nodes if n.address not in leader]
            for node in others:
                node.kill()
            survivor = leader.split("@")[0]
            wait_for(
                "the leader to step down",
                lambda: shell(*connected(nodes), "--no-follow", "-c", "leader " + leader)
                == (["none"], 1),
            )
            waiting = Waiting(*connected(nodes), "--wait", "30s", "-c", "leader " + survivor)
            others[0].start()
            said, code = waiting.end()
            assert code == 0 and said[0] in peers, (said, code)
            print("a shell waits for nodes, and for a leader", flush=True)
        finally:
            for node in nodes:
                if node.running():
                    node.kill()


def first_line(nodes, command):
    said, code = shell(*connected(nodes), "-c", command)
    return said[0] if code == 0 else None


class Waiting:
    """A shell that runs while the test does something."""

    def __init__(self, *arguments, text=""):
        self.process = subprocess.Popen(
            [TROUPE, "shell", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self):
        out, _ = self.process.communicate(timeout=60)
        return out.splitlines(), self.process.returncode


main()
