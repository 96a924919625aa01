"""Nodes, clients and an operator's shell, each a process on a host of its own."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time

from switch import die_with_parent

# Small enough that snapshots are taken, sent and cut for all the time.
PEER_OPTIONS = "snapshot_entries=300 snapshot_bytes=0 snapshot_keep_entries=30"


class Failure(Exception):
    """The cluster did what it must not do."""


def wait_for(what, condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure("waited %g s for %s" % (seconds, what))


def spawn(host, command, **how):
    """On `host`, or on this machine's own network where there is none."""
    enter = host.enter if host else die_with_parent
    # What a terminal's Ctrl-C reaches is us alone.
    process = subprocess.Popen(command, preexec_fn=enter, process_group=0, **how)
    if host:
        host.took(process)
    return process


class Node:
    """`troupe node` with the peer `p<number>`. The code that ends or stops it says so: any other
    end is a failure."""

    def __init__(self, program, number, host, directory, log_path, address):
        self.program, self.number, self.host = program, number, host
        self.address = address
        self.listen = host.listen if host else address
        self.directory, self.log_path = directory, log_path
        self.peer = "p%d@%s" % (number, self.address)
        self.process = None
        self.stopped = False
        self.starts = 0

    def start(self):
        command = [self.program, "node", "--name", "n%d" % self.number]
        command += ["--listen", self.listen, "--data", self.directory]
        if self.listen != self.address:
            command += ["--advertise", self.address]
        if not self.listen.startswith("127."):
            command += ["--insecure"]  # In a namespace that nobody else is in.
        with open(self.log_path, "a") as log:
            self.process = spawn(
                self.host, command, stdout=subprocess.PIPE, stderr=log, text=True
            )
        line = self.process.stdout.readline()
        if "listening" not in line:
            raise Failure("node %d does not start: %r\n%s" % (self.number, line, self.log_tail()))
        self.starts += 1
        return self

    def is_running(self):
        return self.process is not None

    def check(self):
        if self.process is not None and self.process.poll() is not None:
            raise Failure(
                "node %d ended by itself with %d\n%s"
                % (self.number, self.process.returncode, self.log_tail())
            )

    def end(self, by, within=15):
        """Answers its exit code."""
        self.check()
        process, self.process = self.process, None
        process.send_signal(by)
        if self.stopped:
            self.stopped = False
            process.send_signal(signal.SIGCONT)
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure("node %d does not end\n%s" % (self.number, self.log_tail())) from None
        finally:
            process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)
        self.stopped = True
        end = time.monotonic() + 1
        while self.state() != "T" and time.monotonic() < end:
            time.sleep(0.001)
        return self.state() == "T"

    def go_on(self):
        if self.stopped and self.process is not None:
            self.process.send_signal(signal.SIGCONT)
        self.stopped = False

    def state(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def log_tail(self):
        with contextlib.suppress(OSError), open(self.log_path) as log:
            return "".join(log.readlines()[-15:])
        return ""

    def kill_for_good(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Shell:
    """`troupe shell --json`: a command, then its reply. A reply that takes too long is none."""

    def __init__(self, program, host, addresses, timeout):
        command = [program, "shell", "--connect", ",".join(addresses), "--json"]
        command += ["--keep-going", "--no-follow"]
        self.process = spawn(
            host,
            command + ["--timeout", timeout],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, command, within=30):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        try:
            line = self._lines.get(timeout=within)
        except queue.Empty:
            line = ""
        if not line:
            raise Failure("the shell did not answer: " + command)
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    """`voters` nodes whose peers vote at first, and one more to change places with."""

    def __init__(self, programs, hosts, directories, logs, voters, addresses):
        self.voters = voters
        self.nodes = [
            Node(programs["troupe"], i + 1, *each)
            for i, each in enumerate(zip(hosts, directories, logs, addresses))
        ]
        self.programs = programs

    def start(self, host):
        for node in self.nodes:
            node.start()
        addresses = [n.address for n in self.nodes]
        patient = Shell(self.programs["troupe"], host, addresses, timeout="20s")
        try:
            self.found(patient)
        finally:
            patient.close()
        self.shell = Shell(self.programs["troupe"], host, addresses, timeout="1s")
        wait_for("the first leader", self.leader, 20)

    def found(self, shell):
        first = self.nodes[: self.voters]
        commands = ["start_peer kv_store %s %s" % (n.peer, PEER_OPTIONS) for n in self.nodes]
        commands.append(
            "set_configuration %s %s" % (first[0].peer, " ".join(n.peer for n in first))
        )
        for command in commands:
            reply = shell.ask(command)
            if not reply["ok"]:
                raise Failure("%s: %s" % (command, reply))

    def leader(self):
        """The node whose peer says that it leads, in the highest term; None if there is none."""
        leads = {}
        for node in self.nodes:
            if node.is_running() and not node.stopped:
                status = self.shell.ask("status " + node.peer).get("value") or {}
                if status.get("role") == "leader":
                    leads[status["term"]] = node
        return leads[max(leads)] if leads else None

    def members(self, of):
        members = self.shell.ask("members " + of.peer).get("value") or {}
        return members.get("voters", []) + members.get("learners", [])

    def settled(self):
        """Whether all members that keep the log applied as much, and there is a leader."""
        leader = self.leader()
        if leader is None:
            return None
        status = self.shell.ask("status " + leader.peer).get("value") or {}
        members = self.shell.ask("members " + leader.peer).get("value") or {}
        behind = [
            peer
            for peer in members.get("voters", []) + members.get("learners", [])
            if (self.shell.ask("status " + peer).get("value") or {}).get("applied", 0)
            < status.get("commit", 1)
        ]
        return members if members.get("voters") and not behind else None

    def close(self):
        for node in self.nodes:
            node.kill_for_good()
        if hasattr(self, "shell"):
            self.shell.close()
