"""A corrupt entry is never turned into a shorter log.

Peer c misses acknowledged entries; peer b holds them, and its disk flips a bit in one. Peer a, who
has them too, is gone. Were b to start with what stands before the bit, it and c would elect a
leader that has lost what was acknowledged. It does not start, and c leads nobody.
"""

import os
import subprocess
import time

import cluster
from cluster import Shell, ask, leader_of, three_nodes, wait_for

VALUE = "acknowledged-by-a-and-b"
LEADERLESS_SECONDS = 3.0


def main():
    with three_nodes() as (nodes, peers, shell):
        a, b, c = nodes
        leader = wait_for("a leader", lambda: leader_of(shell, peers))
        if leader != peers[0]:
            assert ask(shell, "transfer %s %s" % (leader, peers[0]))["ok"]
        write(shell, peers[0], "before", "seen-by-all")
        wait_for("c to have it", lambda: applied(shell, peers[2]) >= applied(shell, peers[0]))
        c.kill()
        write(shell, peers[0], "k", VALUE)
        write(shell, peers[0], "behind", "more")
        a.kill()
        b.stop()  # In order: what its journal held is where we look for it.

        flip(os.path.join(b.directory, "data.mdb"), VALUE.encode())
        refuses_to_start(b)
        c.start()
        alone = Shell("--connect", c.address, "--json")
        end = time.monotonic() + LEADERLESS_SECONDS
        while time.monotonic() < end:
            assert leader_of(alone, [peers[2]]) is None, "c leads without what b has lost"
            time.sleep(0.05)
        reply = ask(alone, "write %s set k other" % peers[2])
        assert not reply["ok"], reply
        alone.close()

        # A member that has them all brings them back.
        a.start()
        leader = wait_for("a leader again", lambda: leader_of(shell, [peers[0], peers[2]]))
        for key, value in (("before", "seen-by-all"), ("k", VALUE), ("behind", "more")):
            reply = wait_for("a read", lambda: answered(shell, "read %s get %s" % (leader, key)))
            assert reply == {"ok": True, "value": value}, reply


def answered(shell, command):
    """Nothing of a leader whose first entry is not committed yet."""
    reply = ask(shell, command)
    return None if reply.get("error") == "election_in_progress" else reply


def write(shell, leader, key, value):
    reply = ask(shell, "write %s set %s %s" % (leader, key, value))
    assert reply["ok"], reply


def applied(shell, peer):
    return ask(shell, "status " + peer).get("value", {}).get("applied", 0)


def flip(path, needle):
    """One bit of every copy: old pages hold some that are not used any more."""
    with open(path, "r+b") as file:
        data = file.read()
        at, copies = data.find(needle), 0
        while at >= 0:
            file.seek(at)
            file.write(bytes([data[at] ^ 1]))
            at, copies = data.find(needle, at + 1), copies + 1
    assert copies > 0, "the entry is not in the file"
    print("flipped a bit in %d copies" % copies)


def refuses_to_start(node):
    command = [cluster.TROUPE, "node", "--name", node.name, "--listen", node.address]
    done = subprocess.run(
        command + ["--data", node.directory], capture_output=True, text=True, timeout=20
    )
    print("exit code %d: %s" % (done.returncode, done.stderr.strip().splitlines()[-1]))
    assert done.returncode != 0, done
    assert "listening" not in done.stdout, done


main()
