"""Real nodes under faults, real clients that write down what they were told, and a check of that.

Each process lives on a host of its own, a network namespace, and every packet between them passes
through here (switch.py). Where there can be none every connection does, through a proxy (proxy.py).
Each has a file system of its own (disk.py); where there can be none, the nodes share what this
machine has, and the report says so. A fault counts if it had its effect: a process that ended by
our signal, packets that were dropped, a disk that forgot. A run in which some kind of fault had
none has shown nothing. Nor has one whose checker does not find a planted lie: a copy of the history
in which one answer is altered.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import disk  # noqa: E402
from disk_faults import BulkWriter, DiskFaults, close_disks, make_disks  # noqa: E402
from nodes import Cluster, Failure, spawn, wait_for  # noqa: E402
from faults import NetworkFaults, Operator, ProcessFaults, Tally  # noqa: E402
from proxy import Proxy, ProxyHost  # noqa: E402
from switch import Host, Switch  # noqa: E402

CLIENTS = 2
WORKERS = 3
OPERATIONS_MIN = 200
TRIED_MIN = 8  # A fault that is tried so often must succeed.
REPORT_SECONDS = 10
MORE_SECONDS = 20
SETTLE_SECONDS = 60


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev torture", description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of faults (1)")
    parser.add_argument("--nodes", type=int, default=3, choices=(3, 5), help="that vote (3)")
    parser.add_argument("--seed", type=int, default=None, help="of the choice of faults")
    parser.add_argument("--json", action="store_true", help="the report as one line of JSON")
    parser.add_argument("--proxy", action="store_true", help="harm connections, not packets")
    parser.add_argument("--no-network", action="store_true", help="harm no network")
    parser.add_argument("--no-disks", action="store_true", help="harm no disks")
    parser.add_argument("--fs", default="ext4", choices=sorted(disk.IMAGE_BYTES), help="(ext4)")
    parser.add_argument("--keep", action="store_true", help="keep logs, stores and histories")
    return parser.parse_args()


def say(text):
    print("torture: " + text, file=sys.stderr, flush=True)


def programs():
    return {
        "troupe": os.environ["TROUPE"],
        "client": os.environ["TROUPE_TORTURE_CLIENT"],
        "check": os.environ["TROUPE_CHECK_HISTORY"],
    }


def make_hosts(count):
    """The hosts, or why there can be none."""
    hosts = []
    try:
        for number in range(1, count + 1):
            hosts.append(Host(number))
        return hosts, None
    except OSError as error:
        for host in hosts:
            host.close()
        return [], str(error)


def free_addresses(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return ["127.0.0.1:%d" % s.getsockname()[1] for s in sockets]


class Torture:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.tally = Tally()
        self.chance = random.Random(options.seed)
        self.programs = programs()
        self.clients, self.disks = [], []
        self.disks_path = os.path.join(directory, "disks")
        self.network = self.operator = None
        nodes = options.nodes + 1
        hosts, addresses = self.make_network(nodes)
        self.client_hosts, self.operator_host = hosts[nodes:-1], hosts[-1]
        stores = self.make_disks(nodes)
        logs = [os.path.join(directory, "n%d.log" % (i + 1)) for i in range(nodes)]
        voters = options.nodes
        self.cluster = Cluster(self.programs, hosts[:nodes], stores, logs, voters, addresses)
        self.processes = ProcessFaults(self.cluster, self.tally, self.chance)
        self.faults = [self.processes]
        if self.network:
            numbers = hosts[:nodes], self.client_hosts
            self.faults.append(NetworkFaults(self.network, *numbers, self.tally, self.chance))

    def make_network(self, nodes):
        """The hosts of nodes, clients and the operator, and the addresses of the nodes."""
        count = nodes + CLIENTS + 1
        if self.options.no_network:
            say("no network faults: --no-network")
            return [None] * count, free_addresses(nodes)
        hosts, problem = ([], "--proxy") if self.options.proxy else make_hosts(count)
        if hosts:
            self.network = Switch(hosts, self.options.seed)
        else:
            say("no namespaces, but a proxy: " + problem)
            hosts = [ProxyHost(number) for number in range(1, count + 1)]
            self.network = Proxy(hosts, nodes, self.options.seed)
        return hosts, [host.address for host in hosts[:nodes]]

    def make_disks(self, nodes):
        """A directory for each node."""
        problem = "--no-disks"
        if not self.options.no_disks:
            self.disks, problem = make_disks(self.disks_path, self.options.fs, nodes)
        if self.disks:
            return [each.path + "/data" for each in self.disks]
        say("no disk faults: " + problem)
        return [os.path.join(self.directory, "n%d" % (i + 1)) for i in range(nodes)]

    def run(self):
        self.cluster.start(self.operator_host)
        self.start_clients()
        self.operator = Operator(
            self.cluster, self.operator_host, self.tally, self.options.seed + 1
        )
        self.operator.start()
        if self.disks:
            writer = BulkWriter(self.cluster, self.operator_host)
            disks = DiskFaults(self.disks, self.processes, writer, self.tally, self.chance)
            self.faults.append(disks)
        self.harm(60 * self.options.minutes)
        self.heal()
        self.end_clients()

    def start_clients(self):
        for i, host in enumerate(self.client_hosts):
            path = os.path.join(self.directory, "history-%d" % (i + 1))
            log_path = os.path.join(self.directory, "client-%d.log" % (i + 1))
            command = [self.programs["client"], "--name", str(i + 1), "--workers", str(WORKERS)]
            command += ["--seed", str(self.options.seed)]
            with open(path, "w") as history, open(log_path, "w") as log:
                process = spawn(
                    host,
                    command + [n.peer for n in self.cluster.nodes],
                    stdin=subprocess.PIPE,
                    stdout=history,
                    stderr=log,
                )
            self.clients.append((process, path))

    def harm(self, seconds):
        started = reported = time.monotonic()
        coming = []
        while not self.is_enough(time.monotonic() - started - seconds):
            if self.chance.random() < 0.2:
                # A while without, so that there is something to lose next time. Disks fill up
                # meanwhile: that takes longer than all else, and clients who get through.
                self.calm(but=DiskFaults)
                self.wait(2.0)
            # All of them before any comes again.
            coming = coming or self.in_order(self.kinds())
            self.strike(coming)
            self.wait(self.chance.choice((0.1, 0.5, 1.0, 2.0)))
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                say(
                    "%.0f s, %d faults, %d answers"
                    % (reported - started, sum(self.tally.effective.values()), self.answers())
                )

    def is_enough(self, over):
        """When the time is up, or a while after: until each kind that is needed had an effect."""
        return over > MORE_SECONDS or (over > 0 and not self.missing())

    def missing(self):
        return [kind for kind in self.needed() if self.tally.effective[kind] == 0]

    def strike(self, coming):
        """The first of `coming` that can be."""
        while True:
            for kind in coming:
                for faults in self.faults:
                    if faults.can_be(kind):
                        coming.remove(kind)
                        return faults.kinds()[kind]()
            self.wait(0.05)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.on_time()
            time.sleep(0.01)

    def in_order(self, kinds):
        """Those first without which a run shows nothing."""
        order = self.chance.sample(sorted(kinds), len(kinds))
        missing = self.missing()
        return sorted(order, key=lambda kind: kind not in missing)

    def calm(self, but=()):
        for faults in self.faults:
            if not isinstance(faults, but):
                faults.calm()

    def on_time(self):
        for faults in self.faults:
            faults.on_time()
        for node in self.cluster.nodes:
            node.check()
        for process, path in self.clients:
            if process.poll() is not None:
                raise Failure("a client ended with %d" % process.returncode)

    def answers(self):
        return sum(sum(1 for _ in open(path, "rb")) for _, path in self.clients)

    def heal(self):
        # Before the operator ends, who may be waiting for a peer that is stopped.
        self.calm()
        self.operator.finish()
        started = time.monotonic()
        members = wait_for("all members to agree", self.cluster.settled, SETTLE_SECONDS)
        self.healed_after = time.monotonic() - started
        say("agreed after %.1f s: %s" % (self.healed_after, " ".join(members["voters"])))

    def end_clients(self):
        for process, path in self.clients:
            process.stdin.close()
        for process, path in self.clients:
            try:
                code = process.wait(SETTLE_SECONDS)
            except subprocess.TimeoutExpired:
                raise Failure("a client does not end") from None
            if code != 0:
                raise Failure("a client ended with %d" % code)
        for node in self.cluster.nodes:
            node.check()

    def check(self):
        """What is wrong with what the clients were told, or with this run as a test of it."""
        result = self.check_files([path for _, path in self.clients])
        print(result.stdout, end="", file=sys.stderr, flush=True)
        if result.returncode != 0:
            raise Failure("what clients were told is wrong\n" + result.stderr)
        lie = self.alter()
        found = self.check_files([lie]).stdout
        if "nothing up to its index" not in found or "no order explains" not in found:
            raise Failure("an altered answer was not found:\n" + found)
        if self.answers() < OPERATIONS_MIN:
            raise Failure("only %d answers: this shows nothing" % self.answers())
        for kind, tried, effective, _ in self.tally.rows():
            # An operator may be refused all the time; nobody asks a signal or a packet.
            is_forced = kind in self.kinds() and (kind in self.needed() or tried >= TRIED_MIN)
            if is_forced and effective == 0:
                raise Failure("%s: tried %d times and never had an effect" % (kind, tried))
        for kind in self.needed():
            if self.tally.tried[kind] == 0:
                raise Failure("%s was never tried: this shows nothing" % kind)

    def kinds(self):
        return {kind for faults in self.faults for kind in faults.kinds()}

    def needed(self):
        """In however short a run. Not every link is in use at every moment, so that of the others
        some may find nothing to do."""
        return (
            ["kill_any", "stop_any"]
            + (["cut_off_node"] if self.network else [])
            + (["loss" if self.network.has_packets else "delay"] if self.network else [])
            + (["power_cut", "full_any"] if self.disks else [])
        )

    def check_files(self, paths):
        return subprocess.run([self.programs["check"], *paths], capture_output=True, text=True)

    def alter(self):
        """The history with one answer replaced: the last linearizable read that saw something sees
        what no write left."""
        lines = [line for _, path in self.clients for line in open(path)]
        for i in reversed(range(len(lines))):
            record = json.loads(lines[i])
            is_read = record["action"] == "get" and record["level"] == "linearizable"
            if is_read and record["told"] != 0:
                record["told"] += 1 << 60
                lines[i] = json.dumps(record) + "\n"
                break
        path = os.path.join(self.directory, "altered")
        with open(path, "w") as out:
            out.writelines(lines)
        return path

    def report(self, problem):
        rows = list(self.tally.rows())
        if self.options.json:
            faults = {
                kind: {"tried": tried, "effective": effective, "evidence": evidence}
                for kind, tried, effective, evidence in rows
            }
            summary = {"seed": self.options.seed, "nodes": self.options.nodes}
            summary |= {"minutes": self.options.minutes, "answers": self.answers()}
            summary |= {"disks": self.options.fs if self.disks else None}
            summary |= {"network": self.network and self.network.name}
            summary |= {"faults": faults, "problem": problem}
            print(json.dumps(summary), flush=True)
            return
        print("%-16s %6s %10s  %s" % ("fault", "tried", "effective", "of which"))
        for row in rows:
            print("%-16s %6d %10d  %s" % row)
        effective = sum(self.tally.effective.values())
        print("%d faults, %d answers, seed %d" % (effective, self.answers(), self.options.seed))
        print("failed: " + problem if problem else "passed", flush=True)

    def close(self):
        for process, _ in self.clients:
            process.kill()
            process.wait()
        if self.operator:
            self.operator.shell.close()
        self.cluster.close()
        for faults in self.faults:
            faults.close()
        if self.network:
            self.network.close()

    def keep(self):
        """Stores lie on disks that go with us."""
        for node in self.cluster.nodes if self.disks else []:
            target = os.path.join(self.directory, "n%d" % node.number)
            shutil.copytree(node.directory, target, dirs_exist_ok=True)

    def close_disks(self):
        close_disks(self.disks_path, self.disks)


def main():
    options = parse_arguments()
    if options.seed is None:
        options.seed = random.randrange(1 << 31)
    say("seed %d" % options.seed)
    directory = tempfile.mkdtemp(prefix="troupe-torture-")
    torture = problem = None
    try:
        torture = Torture(options, directory)
        torture.run()
        torture.check()
    except Failure as failure:
        problem = str(failure)
    finally:
        if torture:
            torture.close()
        if torture and sys.exc_info()[0] is None:
            torture.report(problem)
        if torture and (options.keep or problem):
            torture.keep()
        if torture:
            torture.close_disks()
        if options.keep or problem:
            say("logs, stores and histories: " + directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if problem else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
