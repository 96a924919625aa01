"""Nodes whose stderr or stdout is a pipe that is full, held open and never read: they answer, end
on SIGTERM, and write what was queued when somebody reads after all."""

import fcntl
import os
import signal
import subprocess

from cluster import TROUPE, Shell, ask, directory, free_address, wait_for

F_SETPIPE_SZ = 1031
PIPE_BYTES = 4096
STOP_SECONDS = 10


def full_pipe():
    """The read end and the write end of a pipe that takes no byte more."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, PIPE_BYTES)
    os.write(writer, b"." * (PIPE_BYTES - 1) + b"\n")
    return reader, writer


def run(path, unread):
    """`unread`: the streams that nobody reads."""
    reader, writer = full_pipe()
    address = free_address()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    streams.update({stream: writer for stream in unread})
    process = subprocess.Popen(
        [TROUPE, "node", "--name", "a", "--listen", address, "--data", path], **streams
    )
    os.close(writer)
    try:
        serve(address)
        # In order, and although nobody reads the last lines either.
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
        text = b""
        while part := os.read(reader, 65536):
            text += part
        assert text == b"." * (PIPE_BYTES - 1) + b"\n", text[-200:]
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def serve(address):
    shell = Shell("--connect", address, "--json")
    peer = "p@" + address
    wait_for("the node", lambda: ask(shell, "status " + peer).get("error") != "unreachable")
    for command in (
        "start_peer kv_store " + peer,
        "set_configuration %s %s" % (peer, peer),
        "write %s set k v" % peer,
        "stop_peer " + peer,
    ):
        reply = ask(shell, command)
        assert reply["ok"], (command, reply)
    shell.close()


def read_late(path):
    """What waited in the queue is written as soon as somebody reads."""
    reader, writer = full_pipe()
    address = free_address()
    process = subprocess.Popen(
        [TROUPE, "node", "--name", "a", "--listen", address, "--data", path],
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    try:
        serve(address)
        text = b""
        while b"event=stopped" not in text or b"listening on" not in text:
            part = os.read(reader, 65536)
            assert part, text
            text += part
        assert b"role=leader" in text, text
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def main():
    with directory() as path:
        for i, unread in enumerate((["stderr"], ["stdout"], ["stdout", "stderr"])):
            run(os.path.join(path, str(i)), unread)
            print("unread %s: answered, and stopped in order" % " and ".join(unread), flush=True)
        read_late(os.path.join(path, "late"))
        print("read late: all there", flush=True)


main()
