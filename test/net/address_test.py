"""Where nodes listen, and what peers are named after: no address but one of one machine, and none
beyond loopback unless somebody says so. A resolver that does not answer holds nobody up."""

import os
import subprocess
import sys

import cluster
from cluster import Node, Shell, ask, status, wait_for

SHIM = os.environ.get("ODD_RESOLVER")
ALL_ADDRESSES = ["*", "0", "0.0", "00.0.0.0", "0x0", "0.0.0.0", "[::]", "[::0]",
                 "[0:0:0:0:0:0:0:0]", "[::ffff:0.0.0.0]"]
OTHERS = ["224.0.0.1", "255.255.255.255", "[ff02::1]", "[::ffff:224.0.0.1]"]
GATE = ("error: listen %s: anyone who reaches it could read, change and stop everything; "
        "say --insecure if only friends can reach it")


def main():
    if not SHIM:
        sys.exit(77)
    os.environ["LD_PRELOAD"] = SHIM
    with cluster.directory() as path:
        listening_beyond_loopback(path)
        advertising(path)
        naming_peers(path)
        dead_resolver(path)


def run(*arguments):
    return subprocess.run([cluster.TROUPE, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)


def refuse(code, expected, *arguments):
    try:
        done = run(*arguments)
    except subprocess.TimeoutExpired as started:
        raise AssertionError("%s went on: %s" % (" ".join(arguments), started.stdout))
    said = (done.stderr + done.stdout).strip().split("\n")
    print("%-40s %s" % (arguments[-1], said[0]), flush=True)
    assert done.returncode == code and said[0] == expected, (done.returncode, said)


def listening_beyond_loopback(path):
    data = os.path.join(path, "never")
    node = ("node", "--name", "a", "--data", data, "--listen")
    for host in ALL_ADDRESSES + ["all.test"]:
        where = host + ":0"
        refuse(1, GATE % where, *node, where)
        undialable = "is no address that other nodes could dial; advertise one that is"
        refuse(1, "error: listen: %s %s" % (where, undialable),
               *node[:1], "--insecure", *node[1:], where)
        shell = ("shell", "--name", "a", "--data", data, "-c", "peers", "--listen", where)
        refuse(1, GATE % where, *shell)
    for host in OTHERS:
        refuse(1, "error: listen: %s:0 stands for %s" % (
            host, "all machines of a network" if host.startswith("255") else "a group of machines"),
            *node[:1], "--insecure", *node[1:], host + ":0")
    address = cluster.free_address()
    port = address.split(":")[1]
    open_node = Node("o", os.path.join(path, "open"), address="0.0.0.0:" + port,
                     arguments=["--insecure", "--advertise", address]).start()
    try:
        assert run("shell", "--connect", address, "-c", "peers").returncode == 0
        with open(os.path.join(path, "open.log")) as log:
            said = log.read()
        print(said.strip())
        assert "event=insecure" in said and "listen=0.0.0.0:" + port in said, said
    finally:
        open_node.kill()


def advertising(path):
    for host in ALL_ADDRESSES + OTHERS:
        done = run("node", "--name", "a", "--listen", "127.0.0.1:0", "--data",
                   os.path.join(path, "never"), "--advertise", host + ":4001")
        assert done.returncode == 2 and "so nobody can dial it" in done.stderr, (host, done)
        for option in ("--connect", "--join"):
            command = ("shell", "-c", "peers") if option == "--connect" else (
                "node", "--listen", "127.0.0.1:0", "--data", os.path.join(path, "never"),
                "--peer", "kv_store", "p")
            done = run(*command, option, host + ":4001")
            assert done.returncode == 2 and "so nobody can dial it" in done.stderr, (host, done)
    refuse(1, "error: advertise: all.test:4001 is no address that other nodes could dial",
           "node", "--name", "a", "--listen", "127.0.0.1:0", "--data",
           os.path.join(path, "advertised"), "--advertise", "all.test:4001")


def naming_peers(path):
    """Nothing of such an address is committed, whatever a member is called."""
    node = Node("a", os.path.join(path, "a")).start()
    shell = Shell("--connect", node.address, "--json")
    port = node.address.split(":")[1]
    peer = "p@" + node.address
    try:
        assert ask(shell, "start_peer kv_store p")["ok"]
        assert ask(shell, "set_configuration p p")["ok"]
        wait_for("a leader", lambda: status(shell, peer)["role"] == "leader")
        before = status(shell, peer)
        for host in ALL_ADDRESSES + OTHERS:
            for command in ("start_peer kv_store p9@%s:%s", "add_member p p9@%s:%s",
                            "set_configuration p p p9@%s:%s", "add_member p p9@%s:%s --learner",
                            "leader p@%s:%s", "peers %s:%s"):
                reply = ask(shell, command % (host, port))
                assert not reply["ok"] and reply["error"] == "invalid", reply
                assert "so nobody can dial it" in reply["detail"], reply
        # A name that leads there is dialed by nobody, and who cannot be asked is not added.
        name = "p9@all.test:" + port
        for command in ("add_member p " + name, "start_peer kv_store " + name):
            reply = ask(shell, command)
            print(command, reply)
            assert not reply["ok"] and reply["error"] == "unreachable", reply
        after = status(shell, peer)
        assert before["last_index"] == after["last_index"], (before, after)
        shell.close()
    finally:
        node.kill()


def dead_resolver(path):
    """The resolver would block for two minutes."""
    done = run("shell", "--connect", "dead.test:4001", "--timeout", "500ms", "-c", "peers")
    print("dead resolver: %s" % done.stdout.strip())
    assert done.returncode == 1 and done.stdout.startswith("error "), done
    refuse(1, "error: cannot listen on dead.test:4001: looking up dead.test takes too long",
           "node", "--name", "a", "--data", os.path.join(path, "d"), "--listen", "dead.test:4001")
    # What is advertised may be a name that is known elsewhere.
    node = Node("d", os.path.join(path, "dead"), arguments=["--advertise", "dead.test:4001"])
    node.start()
    listening = node.address
    try:
        shell = Shell("--connect", listening, "--json", "--timeout", "2s")
        assert ask(shell, "start_peer kv_store p")["ok"]
        # The node dials the member, in vain; nothing else waits for that.
        assert ask(shell, "set_configuration p@%s p@dead.test:4001 q@dead.test:4002" % listening)[
            "error"] in ("unreachable", "timeout")
        assert ask(shell, "peers")["ok"]
        shell.close()
        assert node.stop() == 0
    finally:
        node.process.kill()
        node.process.wait()


if __name__ == "__main__":
    sys.exit(main())
