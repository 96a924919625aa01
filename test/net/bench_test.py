"""The benchmark measures what it says it does, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import tempfile
import time

from cluster import wait_for

BENCH = os.environ.get("TROUPE_BENCH")

FIELDS = """workload in_flight client ops_per_s p50_us p99_us p999_us cpu_us_per_op syncs_per_op
    bytes_written_per_op messages_per_op switches_per_op rss_mb fdatasync_us rtt_us""".split()


def rows_of(directory, *arguments):
    command = [BENCH, *arguments, "--json", "--rounds", "1", "--directory", directory]
    print(" ".join(command[1:]), flush=True)
    started = time.monotonic()
    ran = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True, text=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert rows
    print("%.1f s" % (time.monotonic() - started), flush=True)
    for row in rows:
        print(row, flush=True)
        assert set(FIELDS) <= set(row), set(FIELDS) - set(row)
    assert os.listdir(directory) == [], os.listdir(directory)
    return rows


def check_writes(row):
    assert row["ops_per_s"] > 0 and row["cpu_us_per_op"] > 0
    assert 0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"]
    assert row["fdatasync_us"] > 0 and row["rtt_us"] > 0


def main():
    with tempfile.TemporaryDirectory(prefix="troupe-bench-test-") as directory:
        (row,) = rows_of(directory, "write", "--in-flight", "1", "--seconds", "0.3")
        check_writes(row)
        assert row["client"] == "remote" and row["in_flight"] == 1
        # Each command travels to the leader, and from it to the others, and is answered.
        assert row["messages_per_op"] > 0
        # One at a time, no two share a sync: a majority has made each durable.
        assert row["syncs_per_op"] > 2 and row["bytes_written_per_op"] > 2 * 256

        (row,) = rows_of(
            directory, "write", "--in-flight", "8", "--seconds", "0.2", "--store", "memory",
            "--client", "embedded", "--nodes", "1",
        )  # fmt: skip
        check_writes(row)
        assert row["client"] == "embedded" and row["syncs_per_op"] == 0
        # A client in the process of its only node has nobody to send to.
        assert row["messages_per_op"] == 0

        for arguments in (
            "read --in-flight 4 --seconds 0.1 --keys 100",
            "failover --cycles 1",
            "catch_up --entries 1000",
            "restart --entries 1000",
            "endurance --entries 5000",
            "store --entries 20000",
            "idle --peers 2 --seconds 0.1",
        ):
            rows_of(directory, *arguments.split())

        interrupted(directory)


def interrupted(directory):
    """A signal in the middle ends the nodes, too, and takes their files along."""
    bench = subprocess.Popen(
        [BENCH, "write", "--seconds", "60", "--directory", directory],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for("the nodes to start", lambda: len(nodes_below(directory)) == 3)
    bench.send_signal(signal.SIGTERM)
    assert bench.wait(20) == 128 + signal.SIGTERM, bench.returncode
    assert os.listdir(directory) == [], os.listdir(directory)
    assert nodes_below(directory) == [], nodes_below(directory)


def nodes_below(directory):
    """The processes whose command line names the directory, but for the benchmark's own."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % process) as file:
                words = file.read().split("\0")
        except OSError:
            continue
        if "node" in words and any(word.startswith(directory) for word in words):
            found.append(process)
    return found


if __name__ == "__main__":
    main()
