"""Runs libFuzzer over the targets of `troupe_fuzz`; `./dev fuzz` builds it and calls this.

The canary comes first and must be found. Inputs that reach something stay in build/fuzz/corpus, so
that the next run goes on from there; findings are in build/fuzz/findings.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CANARY = "canary"
CANARY_SECONDS = 300  # Ends when it is found; others may need the processors.
REPORT_SECONDS = 10
CRASHED = ("crash-", "oom-", "timeout-", "leak-")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, if none is named")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object a target on stdout")
    parser.add_argument("--list", action="store_true", help="names the targets")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def say(text):
    print("fuzz: " + text, file=sys.stderr, flush=True)


def known_targets(program):
    lines = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in lines.splitlines())
    return {name: (int(bytes_max), summary) for name, bytes_max, summary in rows}


class Run:
    """One target for so many seconds."""

    def __init__(self, program, target, bytes_max, seconds):
        self.target, self.bytes_max, self.seconds = target, bytes_max, seconds
        build = pathlib.Path(program).resolve().parents[1]
        self.corpus, self.findings = build / "corpus" / target, build / "findings" / target
        self.regressions = ROOT / "test" / "fuzz" / "corpus" / target
        if target == CANARY:
            shutil.rmtree(self.corpus, ignore_errors=True)
        shutil.rmtree(self.findings, ignore_errors=True)
        for folder in (self.corpus, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        self.command = [program, "--target=" + target]
        self.executions = self.coverage = 0
        self.problem = ""

    def go(self):
        subprocess.run(self.command + ["--write-seeds=%s" % self.corpus], check=True)
        folders = [str(f) for f in (self.corpus, self.regressions) if f.is_dir()]
        limits = ["-max_total_time=%d" % self.seconds, "-max_len=%d" % self.bytes_max]
        limits += ["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-len_control=0"]
        # It costs half of the time where an input reaches much, and that reaches less.
        limits += ["-entropic=0"]
        started = reported = time.monotonic()
        process = subprocess.Popen(
            self.command + limits + ["-artifact_prefix=%s/" % self.findings] + folders,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        tail = []
        try:
            for line in process.stderr:
                self.read(line)
                tail = (tail + [line])[-60:]
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    say("%s: %d executions, coverage %d" % self.progress())
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.took = time.monotonic() - started
        self.found = sorted(f for f in self.findings.iterdir() if f.name.startswith(CRASHED))
        if code != 0 and not self.found:
            raise SystemExit("fuzz: %s ended with %d\n%s" % (self.target, code, "".join(tail)))
        if self.found and self.target != CANARY:
            sys.stderr.write("".join(tail))
        return self

    def progress(self):
        return self.target, self.executions, self.coverage

    def read(self, line):
        if step := re.match(r"#(\d+)\s", line):
            self.executions = max(self.executions, int(step[1]))
        if units := re.match(r"stat::number_of_executed_units:\s*(\d+)", line):
            self.executions = max(self.executions, int(units[1]))
        if coverage := re.search(r" cov: (\d+)", line):
            self.coverage = int(coverage[1])
        if re.match(r"problem: |.*broken invariant: |==\d+==ERROR: |.*runtime error: ", line):
            self.problem = self.problem or line.strip()

    def as_json(self):
        return {
            "target": self.target,
            "executions": self.executions,
            "seconds": round(self.took, 1),
            "per_second": round(self.executions / max(self.took, 0.1)),
            "coverage": self.coverage,
            "findings": [str(f) for f in self.found],
            "problem": self.problem,
        }


def report(run, as_json):
    row = run.as_json()
    if as_json:
        print(json.dumps(row), flush=True)
    else:
        print(
            "%(target)-10s %(executions)10d executions in %(seconds)5.1f s, %(per_second)7d/s, "
            "coverage %(coverage)5d" % row + (", %d found" % len(run.found) if run.found else ""),
            flush=True,
        )
    for finding in run.found if run.target != CANARY else ():
        say("%s: %s" % (run.target, run.problem or "no words for it"))
        say("again:   %s %s" % (" ".join(run.command), finding))
        say("to keep: mkdir -p %s && cp %s %s" % (run.regressions, finding, run.regressions))


def main():
    options = parse_arguments()
    known = known_targets(options.program)
    if options.list:
        for name, (_, summary) in known.items():
            print("%-10s %s" % (name, summary))
        return 0
    for name in options.targets:
        if name not in known:
            say("there is no target '%s'; there are %s" % (name, " ".join(known)))
            return 2
    canary = Run(options.program, CANARY, known[CANARY][0], CANARY_SECONDS).go()
    report(canary, options.json)
    if not canary.found:
        say("the canary was not found: whatever else finds nothing shows nothing")
        return 1
    failed = False
    for name in options.targets or known:
        if name != CANARY:
            seconds = max(1, round(60 * options.minutes))
            run = Run(options.program, name, known[name][0], seconds).go()
            report(run, options.json)
            failed = failed or bool(run.found)
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Less to remember of each allocation: short inputs free what they allocate.
    cheap = "malloc_context_size=8:quarantine_size_mb=32"
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:" + cheap)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
