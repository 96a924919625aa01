"""Somebody who writes while a test breaks something, and remembers what became of it."""

import threading
import time

from cluster import Shell, ask


class Writer(threading.Thread):
    """Sets one key after the other, none twice: the log would be cleaned of what was overwritten.
    A key is `name` and a number, its value the key and `more`. Goes to the leader."""

    def __init__(self, nodes, peers, name="k", more=""):
        super().__init__()
        self.peers, self.name_of_keys, self.more = peers, name, more
        self.shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
        self.acknowledged = []  # (when, key)
        self.refused = []       # (when, how long it took, why)
        self.finished = False
        self.failure = None

    def run(self):
        try:
            self.write_on()
        except Exception as failure:  # Reported by `finish`: a thread's own end is silent.
            self.failure = failure

    def write_on(self):
        peer, count = self.peers[0], 0
        while not self.finished:
            key = "%s%d" % (self.name_of_keys, count)
            began = time.monotonic()
            reply = ask(self.shell, "write %s set %s %s" % (peer, key, self.value_of(key)))
            now = time.monotonic()
            if reply["ok"]:
                self.acknowledged.append((now, key))
                count += 1
                time.sleep(0.002)
                continue
            # Setting the same once more changes nothing: whatever became of it, try again.
            self.refused.append((now, now - began, reply["error"]))
            if reply["error"] != "no_space":
                peer = reply.get("leader") or self.peers[(self.peers.index(peer) + 1) % 3]
            time.sleep(0.01)

    def value_of(self, key):
        return key + self.more

    def finish(self):
        self.finished = True
        self.join()
        self.shell.close()
        if self.failure is not None:
            raise self.failure

    def check(self, peer):
        """All that was acknowledged is there. Answers how often which error was the reply."""
        with_shell = Shell("--connect", peer.split("@")[1], "--json")
        for _, key in self.acknowledged:
            reply = ask(with_shell, "read %s get %s" % (peer, key))
            assert reply == {"ok": True, "value": self.value_of(key)}, (key, str(reply)[:80])
        with_shell.close()
        errors = [error for _, _, error in self.refused]
        return {error: errors.count(error) for error in sorted(set(errors))}

    def writes_since(self, when):
        return [at for at, _ in list(self.acknowledged) if at > when]

    def refusals_since(self, when, why="no_space"):
        return [took for at, took, error in list(self.refused) if at > when and error == why]


def longest_gap(times, since):
    """The longest time without one of `times`, from `since` until now."""
    around = [since] + sorted(at for at in times if at > since) + [time.monotonic()]
    return max(b - a for a, b in zip(around, around[1:]))
