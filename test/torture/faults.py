"""What can happen to a cluster. Each fault says what became of it: what was done is one thing, what
it did another, and only that counts."""

import collections
import random
import signal
import threading
import time

from nodes import Failure, Shell


MORE_SECONDS = 3.0


class Tally:
    """Of each kind of fault: how often it was tried, how often it had its effect, and which."""

    def __init__(self):
        self.tried = collections.Counter()
        self.effective = collections.Counter()
        self.evidence = collections.defaultdict(collections.Counter)
        self._lock = threading.Lock()

    def add(self, kind, effect, evidence="", amount=1):
        with self._lock:
            self.tried[kind] += 1
            self.effective[kind] += 1 if effect else 0
            if effect and evidence:
                self.evidence[kind][evidence] += amount

    def rows(self):
        for kind in sorted(self.tried):
            evidence = ", ".join(
                "%d %s" % (n, what) for what, n in sorted(self.evidence[kind].items()) if n
            )
            yield kind, self.tried[kind], self.effective[kind], evidence


class ProcessFaults:
    """Nodes that are killed, stopped and ended, and started again."""

    def __init__(self, cluster, tally, chance):
        self.cluster, self.tally, self.chance = cluster, tally, chance
        self._due = []  # (when, what)

    def kinds(self):
        return {
            "kill_any": lambda: self.kill(self.any_running()),
            "kill_leader": lambda: self.kill(self.cluster.leader(), "kill_leader"),
            "kill_all": self.kill_all,
            "stop_any": lambda: self.stop(self.any_running()),
            "stop_leader": lambda: self.stop(self.cluster.leader(), "stop_leader"),
            "restart": self.restart,
        }

    def can_be(self, kind):
        return kind in self.kinds()

    def any_running(self):
        running = [n for n in self.cluster.nodes if n.is_running() and not n.stopped]
        return self.chance.choice(running) if running else None

    def kill(self, node, kind="kill_any"):
        if node is not None and node.is_running():
            code = node.end(signal.SIGKILL)
            self.tally.add(kind, code == -signal.SIGKILL, "ended by SIGKILL")
            self.later(self.chance.uniform(0.05, 2), node.start)

    def kill_all(self):
        for node in self.cluster.nodes:
            if node.is_running():
                self.kill(node, "kill_all")

    def stop(self, node, kind="stop_any"):
        if node is not None and node.is_running():
            seconds = self.chance.choice((0.1, 0.4, 1.0, 3.0))
            stopped = node.stop()
            self.tally.add(kind, stopped, "ms stopped", round(1000 * seconds))
            self.later(seconds, node.go_on)

    def restart(self):
        node = self.any_running()
        if node is not None:
            code = node.end(signal.SIGTERM)
            if code != 0:
                raise Failure("node %d ended with %d\n%s" % (node.number, code, node.log_tail()))
            self.tally.add("restart", True, "ended by SIGTERM")
            self.later(self.chance.uniform(0, 0.5), node.start)

    def later(self, seconds, what):
        self._due.append((time.monotonic() + seconds, what))

    def on_time(self):
        self._do_until(time.monotonic())

    def calm(self):
        self._do_until(float("inf"))

    def close(self):
        pass

    def _do_until(self, when):
        for each in list(self._due):
            if each[0] <= when:
                self._due.remove(each)
                each[1]()


class NetworkFaults:
    """One state of the network at a time, for a while; what it did to packets is counted, or to
    portions of streams."""

    def __init__(self, network, nodes, clients, tally, chance):
        self.network, self.tally, self.chance = network, tally, chance
        self.nodes, self.clients = [h.number for h in nodes], [h.number for h in clients]
        self._kind, self._until, self._before = None, 0.0, {}

    def kinds(self):
        of_packets = {
            "loss": lambda: self.begin("loss", loss=self.chance.uniform(0.02, 0.3)),
            "repeat": lambda: self.begin("repeat", repeat=self.chance.uniform(0.05, 0.5)),
        }
        of_streams = {
            "cut_one_way": lambda: self.cut("cut_one_way", [tuple(self.two())]),
            "cut_pair": lambda: self.cut("cut_pair", self.both_ways(*self.two())),
            "cut_off_node": lambda: self.cut_off(self.nodes),
            "cut_off_client": lambda: self.cut_off(self.clients, "cut_off_client"),
            "split": self.split,
            "delay": self.delay,
        }
        return of_streams | (of_packets if self.network.has_packets else {})

    def can_be(self, kind):
        return kind in self.kinds() and self._kind is None

    def two(self):
        return self.chance.sample(self.nodes, 2)

    @staticmethod
    def both_ways(a, b):
        return [(a, b), (b, a)]

    def cut(self, kind, pairs):
        self.begin(kind, cuts=frozenset(pairs))

    def cut_off(self, among, kind="cut_off_node"):
        one = self.chance.choice(among)
        others = [n for n in self.nodes if n != one]
        # Of a node, its clients still reach it half of the time: it must find out by itself.
        if kind == "cut_off_node" and self.chance.random() < 0.5:
            others += self.clients
        self.cut(kind, [pair for other in others for pair in self.both_ways(one, other)])

    def split(self):
        left = set(self.chance.sample(self.nodes, len(self.nodes) // 2))
        left |= set(self.chance.sample(self.clients, 1))
        hosts = self.nodes + self.clients
        pairs = [(a, b) for a in hosts for b in hosts if (a in left) != (b in left)]
        self.cut("split", pairs)

    def delay(self):
        high = self.chance.choice((0.005, 0.02, 0.08, 0.2))
        self.begin("delay", delay=(self.chance.choice((0.0, high / 2)), high))

    def begin(self, kind, **state):
        self.calm()
        self._kind, self._before = kind, dict(self.network.counts)
        self._until = time.monotonic() + self.chance.uniform(0.3, 2.0)
        for name, value in state.items():
            setattr(self.network, name, value)

    def calm(self):
        if self._kind is None:
            return
        self.network.heal()
        count = self.count()
        self.tally.add(self._kind, count > 0, "%s %s" % (self.network.unit, self.word()), count)
        self._kind = None

    def word(self):
        """What becomes of them, as the network counts it."""
        return {"loss": "lost", "repeat": "repeated", "delay": "delayed"}.get(self._kind, "cut")

    def count(self):
        return self.network.counts[self.word()] - self._before.get(self.word(), 0)

    def on_time(self):
        """What had no effect yet gets some more time: not every link is in use all the time."""
        over = time.monotonic() - self._until
        if self._kind is not None and (over > MORE_SECONDS or (over > 0 and self.count() > 0)):
            self.calm()

    def close(self):
        pass


class Operator(threading.Thread):
    """Someone who changes members, hands over leadership and has snapshots taken, all the time.
    What is refused has no effect; with so much going on, much is."""

    def __init__(self, cluster, host, tally, seed):
        super().__init__(daemon=True)
        self.cluster, self.tally, self.chance = cluster, tally, random.Random(seed)
        addresses = [n.address for n in cluster.nodes]
        self.shell = Shell(cluster.programs["troupe"], host, addresses, timeout="4s")
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        acts = [self.transfer, self.snapshot, self.change_voters, self.learner]
        try:
            while not self.ending.wait(self.chance.uniform(0.1, 0.8)):
                self.chance.choice(acts)()
        except Failure as failure:
            self.failure = failure

    def finish(self):
        self.ending.set()
        self.join(60)
        self.shell.close()
        if self.failure or self.is_alive():
            raise self.failure or Failure("the operator's shell does not answer")

    def do(self, kind, command, evidence):
        reply = self.shell.ask(command)
        self.tally.add(kind, reply["ok"], evidence)

    def leader(self):
        for node in self.chance.sample(self.cluster.nodes, len(self.cluster.nodes)):
            reply = self.shell.ask("leader " + node.peer)
            if reply["ok"] and reply.get("value"):
                return reply["value"]
        return self.cluster.nodes[0].peer

    def transfer(self):
        self.do("transfer", "transfer " + self.leader(), "new leaders")

    def snapshot(self):
        peer = self.chance.choice(self.cluster.nodes).peer
        self.do("snapshot", "snapshot " + peer, "snapshots")

    def change_voters(self):
        count = self.chance.choice((self.cluster.voters,) * 6 + (1, 2))
        voters = self.chance.sample([n.peer for n in self.cluster.nodes], count)
        self.do(
            "change_voters",
            "set_configuration %s %s" % (self.leader(), " ".join(voters)),
            "configurations",
        )

    def learner(self):
        verb = self.chance.choice(("add_member %s %s --learner", "demote %s %s", "promote %s %s"))
        one = self.chance.choice(self.cluster.nodes).peer
        self.do("change_one", verb % (self.leader(), one), "configurations")
