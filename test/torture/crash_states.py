"""The states that a power cut can leave of a recorded node, drawn and examined."""

import os
import shutil
import struct
import tempfile
import time

from one_node import RECORDER, Examiner, Failure, OneNode, check, wait_for

WRITERS = 3
WRITES = 600
BIRTH = 100  # So many operations, with something to spare.
PAGE, SECTOR = 4096, 512
HEAD = struct.Struct("=IIQQQQ")
(CREATE, WRITE, SYNC_BEGINS, SYNC_ENDS, RESIZE, RENAME, REMOVE, DIRECTORY) = range(1, 9)
WHOLE_FILE = (1 << 64) - 1


def run(path, dice, states, ignore_syncs):
    os.mkdir(path)
    node, record = record_load(path, ignore_syncs)
    operations = read_record(record)
    acknowledged = sorted(node.acknowledged())
    if not ignore_syncs and not any(o.kind == SYNC_ENDS for o in operations):
        raise Failure("the recorder noted no sync")
    if rounds_of_journal(node, operations) < 2:
        raise Failure("the journal never began anew: this shows nothing of it")
    moments = sorted(draw_moment(dice, len(operations)) for _ in range(states))
    disk, at, began = Disk(node.node.directory), 0, time.monotonic()
    examiner, torn, empty = Examiner(), 0, 0
    with tempfile.TemporaryDirectory(dir=memory(), prefix="troupe-states-") as states_path:
        for number, moment in enumerate(moments):
            while at <= moment:
                disk.perform(operations[at])
                at += 1
            directory = os.path.join(states_path, str(number))
            torn += disk.leave(directory, dice)
            found = examiner.examine(directory)
            now = operations[moment].when
            promised = {value for when, value in acknowledged if when <= now}
            empty += not promised
            problem = check(found, promised, node.asked())
            if problem:
                examiner.close()
                raise Failure("%s (state %d, behind operation %d of %d)"
                              % (problem, number, moment, len(operations)))
            shutil.rmtree(directory)
    examiner.close()
    print("recorded: %d operations, %d syncs, %d writes acknowledged; %d states"
          " (%d with torn pages, %d before the first of these writes) in %.1f s: none lost, none"
          " corrupt" % (len(operations), sum(o.kind == SYNC_ENDS for o in operations),
                        len(acknowledged), states, torn, empty, time.monotonic() - began),
          flush=True)
    shutil.rmtree(path)


def rounds_of_journal(node, operations):
    path = os.path.join(node.node.directory, "journal")
    return sum(o.kind == WRITE and o.path == path and o.offset == PAGE for o in operations)


def draw_moment(dice, count):
    """Any, but the birth of a store more often than its share."""
    return dice.randrange(min(count, BIRTH) if dice.random() < 0.2 else count)


def memory():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def record_load(path, ignore_syncs):
    record = os.path.join(path, "record")
    directory = os.path.join(path, "data")
    environment = {"LD_PRELOAD": RECORDER, "TROUPE_RECORD_DIR": directory,
                   "TROUPE_RECORD_FILE": record}
    if ignore_syncs:
        environment["TROUPE_IGNORE_SYNCS"] = "1"
    node = OneNode(directory, environment)
    node.start(is_new=True)
    node.load("a", WRITERS)
    wait_for("writes", lambda: len(node.acknowledged()) >= WRITES, 60)
    node.node.kill()
    node.stop_load()
    return node, record


class Operation:
    def __init__(self, kind, when, offset, number, path, data):
        self.kind, self.when, self.offset, self.number = kind, when, offset, number
        self.path, self.data = path, data


def read_record(path):
    operations = []
    with open(path, "rb") as file:
        bytes_ = file.read()
    at = 0
    while at + HEAD.size <= len(bytes_):
        kind, path_bytes, when, offset, data_bytes, number = HEAD.unpack_from(bytes_, at)
        at += HEAD.size
        name = bytes_[at:at + path_bytes].decode()
        at += path_bytes
        # A sync writes nothing; a write that was cut short was not noted.
        data = bytes_[at:at + data_bytes]
        at += data_bytes
        operations.append(Operation(kind, when, offset, number, name, data))
    return operations


class File:
    """What is durable of a file, and the pieces of pages that are not: (page, offset, bytes)."""

    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # Also ("resize", size).

    def write(self, offset, data):
        for start in range(offset - offset % PAGE, offset + len(data), PAGE):
            first, last = max(start, offset), min(start + PAGE, offset + len(data))
            self.pending.append((start // PAGE, first - start, data[first - offset:last - offset]))

    def settle(self, count):
        """The first `count` of what is pending is durable."""
        for piece in self.pending[:count]:
            apply(self.durable, piece)
        del self.pending[:count]

    def settle_pages(self, offset, count):
        """As much of it as lies on the page at `offset`, and those before it."""
        pages = {piece[0] for piece in self.pending[:count]
                 if piece[0] != "resize" and piece[0] == offset // PAGE}
        for piece in self.pending[:count]:
            if piece[0] in pages:
                apply(self.durable, piece)
        self.pending = [p for i, p in enumerate(self.pending) if i >= count or p[0] not in pages]

    def leave(self, dice, luck, tears):
        """What a cut leaves of it: of each page what was written to it up to some moment; of a page
        that tears, that is drawn for each sector."""
        left = bytearray(self.durable)
        if any(piece[0] == "resize" for piece in self.pending):
            for piece in self.pending[:dice.randrange(len(self.pending) + 1)]:
                apply(left, piece)
            return left
        pages = {}
        for piece in self.pending:
            pages.setdefault(piece[0], []).append(piece)
        for page, pieces in pages.items():
            if not tears:
                count = len(pieces) if dice.random() < luck else dice.randrange(len(pieces) + 1)
                for piece in pieces[:count]:
                    apply(left, piece)
                continue
            for sector in range(0, PAGE, SECTOR):
                for piece in pieces[:dice.randrange(len(pieces) + 1)]:
                    first = max(sector, piece[1])
                    last = min(sector + SECTOR, piece[1] + len(piece[2]))
                    if first < last:
                        apply(left, (page, first, piece[2][first - piece[1]:last - piece[1]]))
        return left


def apply(image, piece):
    if piece[0] == "resize":
        del image[piece[1]:]
        image.extend(bytes(piece[1] - len(image)))
        return
    start = piece[0] * PAGE + piece[1]
    if start > len(image):
        image.extend(bytes(start - len(image)))
    image[start:start + len(piece[2])] = piece[2]


class Disk:
    """A directory as the process sees it, and as the disk has it. A name is durable when its
    directory was synced, its bytes when the file was."""

    def __init__(self, root):
        self.root = root
        self.files = {}    # By path, as the process sees them. None: a directory.
        self.names = {}    # The same, as the disk has them.
        self.renamed = []  # What happened to names and is not durable: (directory, change).
        self.syncs = {}    # By number: how much was pending when it began.

    def perform(self, operation):
        if operation.kind in (SYNC_BEGINS, SYNC_ENDS):
            return self.sync(operation)
        path, file = operation.path, self.files.get(operation.path)
        if operation.kind == WRITE:
            file.write(operation.offset, operation.data)
        elif operation.kind == RESIZE:
            file.pending.append(("resize", operation.offset))
        elif operation.kind == RENAME:
            target = operation.data.decode()
            self.files[target] = self.files.pop(path)
            # One thing: it is done when the directory that it went to was synced.
            self.change(target, {path: False, target: self.files[target]})
        elif operation.kind == REMOVE:
            self.files.pop(path, None)
            self.change(path, {path: False})
        else:
            self.files[path] = None if operation.kind == DIRECTORY else File()
            if path != self.root:  # Synced with what is above it, which is not looked at.
                self.change(path, {path: self.files[path]})

    def change(self, path, names):
        self.renamed.append((os.path.dirname(path), names))

    def sync(self, operation):
        file = self.files.get(operation.path)
        begins = operation.kind == SYNC_BEGINS
        if file is None:  # A directory.
            if begins:
                self.syncs[operation.number] = len(self.renamed), None
            else:
                self.sync_names(operation)
        elif begins:
            self.syncs[operation.number] = len(file.pending), file
        elif operation.offset == WHOLE_FILE:
            self.settle(file, self.syncs.pop(operation.number)[0])
        else:
            self.syncs.pop(operation.number)
            file.settle_pages(operation.offset, len(file.pending))

    def settle(self, file, count):
        before = len(file.pending)
        file.settle(count)
        # Another sync of the same file that is under way counts from its own beginning.
        gone = before - len(file.pending)
        for number, (pending, of) in self.syncs.items():
            if of is file:
                self.syncs[number] = max(pending - gone, 0), of

    def sync_names(self, operation):
        count = self.syncs.pop(operation.number)[0]
        kept = []
        for i, (directory, names) in enumerate(self.renamed):
            if i < count and directory == operation.path.rstrip("/"):
                put(self.names, names)
            else:
                kept.append((directory, names))
        self.syncs = {n: (0 if of is None else c, of) for n, (c, of) in self.syncs.items()}
        self.renamed = kept

    def leave(self, directory, dice):
        """Writes what a power cut leaves into `directory`. Whether pages were torn."""
        names = dict(self.names)
        upto = {d: dice.randrange(len(self.renamed) + 1) for d, _ in self.renamed}
        for i, (parent, changed) in enumerate(self.renamed):
            if i < upto[parent]:
                put(names, changed)
        luck, tears = dice.choice((0.0, 0.5, 0.9, 1.0)), dice.random() < 0.5
        os.mkdir(directory)
        for path in sorted(names):
            target = directory + path[len(self.root):]
            if not os.path.isdir(os.path.dirname(target)):
                continue  # What it was in is not there.
            if names[path] is None:
                os.mkdir(target)
                continue
            with open(target, "wb") as file:
                file.write(names[path].leave(dice, luck, tears))
        return tears


def put(names, changed):
    for path, file in changed.items():
        if file is False:
            names.pop(path, None)
        else:
            names[path] = file
