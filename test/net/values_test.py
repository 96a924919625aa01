"""What a shell reads from a pipe and what it prints are the same bytes: quotes over several lines,
values that are not text, and keys that look like options."""

import base64
import json
import os
import random
import shlex
import subprocess

import cluster
from cluster import TROUPE, Node

SEED = 12
VALUES = 60


def main():
    with cluster.directory() as path:
        node = Node("a", os.path.join(path, "a")).start()
        try:
            said, code = shell(node, "start_peer kv_store p\nset_configuration p p\n")
            assert code == 0, said
            quotes_over_lines(node)
            bytes_that_are_no_text(node, os.path.join(path, "a"))
            text_is_read_back(node)
            keys_that_look_like_options(node)
            lists_are_read_back(node)
        finally:
            node.kill()


def shell(node, text, *arguments):
    """The lines that a shell prints, as bytes, and its exit code."""
    text = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run(
        [TROUPE, "shell", "--connect", node.address, *arguments],
        input=text,
        capture_output=True,
        timeout=60,
    )
    return done.stdout.splitlines(), done.returncode


def quotes_over_lines(node):
    said, code = shell(node, "write p set k 'one\nstop_peer p\nthree'\nread p get k\n", "--json")
    values = [json.loads(line)["value"] for line in said]
    assert (values, code) == (["k one\nstop_peer p\nthree", "one\nstop_peer p\nthree"], 0), said
    said, code = shell(node, "status p\n")
    assert code == 0, "the peer was stopped: %r" % said

    said, code = shell(node, "peers\n\nwrite p set k 'one\nstop_peer p\n")
    assert (said, code) == ([b"ok p", b"error invalid the ' in line 3 is not closed"], 1), said

    # A value that is too large is refused as a whole, and none of its lines is a command.
    large = "write p set k '" + ("x" * 1023 + "\n") * 4200 + "stop_peer p\n'\nread p get k\n"
    said, code = shell(node, large, "--keep-going")
    assert said[0].startswith(b"error too_large") and len(said) == 2 and code == 1, said[:3]
    assert said[1].startswith(b"ok $'one\\nstop_peer p"), said
    print("a quote reaches over several lines", flush=True)


def bytes_that_are_no_text(node, directory):
    for value in (b"\xff", b"\xfe", b"a\x00\x9b"):
        said, code = shell(node, b"write p set bytes '" + value + b"'\nread p get bytes", "--json")
        assert code == 0, said
        reply = json.loads(said[1])
        assert reply["ok"] and "value" not in reply, reply
        assert base64.b64decode(reply["value_base64"]) == value, reply
        dump = subprocess.run([TROUPE, "log", "dump", directory], capture_output=True, timeout=60)
        payloads = [json.loads(line).get("payload") for line in dump.stdout.splitlines()]
        wanted = "set bytes $'%s'" % "".join(
            chr(b) if 32 <= b < 127 else "\\x%02x" % b for b in value
        )
        assert wanted in payloads, (wanted, payloads)
    print("bytes that are no text are base64, and quoted in the log", flush=True)


def text_is_read_back(node):
    """The text of a value, typed as a value, is the value."""
    chance = random.Random(SEED)
    hard = [b"\x07", b"\\x07", b"'", b'"', b"$'", b"\\", b";", b"#", b" ", b"\n", b"\xc2\x9b",
            b"\xff", b"\x1b[2J", b"\xe2\x80\xae", "ü".encode(), b"x"]
    values = [b"".join(chance.choices(hard, k=chance.randrange(1, 6))) for _ in range(VALUES)]
    writes = b"".join(
        b"write p set v%d $'%s'\n" % (i, b"".join(b"\\x%02x" % c for c in value))
        for i, value in enumerate(values)
    )
    said, code = shell(node, writes)
    assert code == 0, said
    reads = b"".join(b"read p get v%d\n" % i for i in range(VALUES))
    texts, code = shell(node, reads)
    assert code == 0 and len(texts) == VALUES, texts
    for text in texts:
        assert not any(c < 32 or c == 127 for c in text) and b"\xc2\x9b" not in text, text
    again = b"".join(b"write p set w%d %s\n" % (i, quoted(t[3:])) for i, t in enumerate(texts))
    said, code = shell(node, again)
    assert code == 0, said
    said, code = shell(node, reads.replace(b"v", b"w"), "--json")
    for i, (line, value) in enumerate(zip(said, values)):
        reply = json.loads(line)
        got = reply["value"].encode() if "value" in reply else base64.b64decode(
            reply["value_base64"])
        assert got == value, (i, value, texts[i], got)
    print("%d values are read back from their text" % VALUES, flush=True)


def quoted(text):
    """Words that stand there as they are, in single quotes: a value is one word."""
    return text if text[:1] == b"'" or text[:2] == b"$'" else b"'" + text + b"'"


def keys_that_look_like_options(node):
    for key in ("--x", "--lease", "--", "-c"):
        said, code = shell(node, "write p set %s v\nread p get %s\n" % (key, key))
        assert (said, code) == ([b"ok %s v" % key.encode(), b"ok v"], 0), said
        said, code = shell(node, "read p --lease -- get %s\n" % key)
        assert said[0] == b"ok v", said
    print("keys may look like options", flush=True)


def lists_are_read_back(node):
    """The text of a list, as words of a POSIX shell, is the keys."""
    keys = ["list-plain", "list-two words", "list-it's", "list-;", "list-ü"]
    for key in keys:
        said, code = shell(node, "write p set %s v\n" % shlex.quote(key))
        assert code == 0, said
    said, code = shell(node, "read p list list-\n")
    assert code == 0 and sorted(shlex.split(said[0].decode())[1:]) == sorted(keys), said
    print("the keys of a list are read back", flush=True)


main()
