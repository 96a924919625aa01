"""A follower that is frozen costs the others nothing: writes go on at their pace, what is in flight
to it stays within its window, and when it wakes up it gets all that it missed."""

import signal
import time

from cluster import ask, leader_of, three_nodes, wait_for

WINDOW_BYTES = 8 << 20  # The default of `window_bytes_max`...
MESSAGE_BYTES = 1 << 20  # ...which the last message may exceed.
VALUE = "v" * 65536
COUNT = 400  # 25 MiB: three windows.


def main():
    with three_nodes() as (nodes, peers, shell):
        leader = wait_for("a leader", lambda: leader_of(shell, peers))
        frozen, awake = [p for p in peers if p != leader]
        writes(shell, leader, 20)
        together = writes(shell, leader, 100)
        node = nodes[peers.index(frozen)]
        node.process.send_signal(signal.SIGSTOP)
        try:
            without = writes(shell, leader, COUNT)
            follower = followers(shell, leader)[frozen]
        finally:
            node.process.send_signal(signal.SIGCONT)
        print("a write took %.2f ms with all, %.2f ms with one frozen" % (together, without))
        print("the frozen one: %s" % follower)
        assert follower["in_flight_bytes"] <= WINDOW_BYTES + MESSAGE_BYTES, follower
        assert followers(shell, leader)[awake]["in_flight_bytes"] <= WINDOW_BYTES
        last = ask(shell, "status " + leader)["value"]["last_index"]
        assert follower["match"] + COUNT <= last

        began = time.monotonic()
        wait_for("the frozen one to catch up", lambda: caught_up(shell, leader, frozen, last))
        print("caught up in %.2f s" % (time.monotonic() - began))


def writes(shell, leader, count):
    """Milliseconds that one took."""
    began = time.monotonic()
    for i in range(count):
        reply = ask(shell, "write %s set key%d %s" % (leader, i % 7, VALUE))
        assert reply["ok"], reply
    return (time.monotonic() - began) / count * 1000


def followers(shell, leader):
    return {f["name"]: f for f in ask(shell, "status " + leader)["value"]["followers"]}


def caught_up(shell, leader, peer, last):
    return followers(shell, leader)[peer]["match"] >= last


main()
