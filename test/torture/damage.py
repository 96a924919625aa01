"""What a disk may do to a directory, one way at a time."""

import glob
import os
import shutil

PAGE, SECTOR = 4096, 512
KINDS = ("flipped bit", "flipped bit in use", "several bits", "zeroed sector", "zeroed page",
         "swapped pages", "misdirected page", "stale page", "stale root", "stale sector",
         "cut short", "old copy", "lost file", "witness", "snapshot", "journal bit",
         "journal sectors", "journal cut short", "old journal", "lost journal")
# What is sound in itself, but not what was acknowledged.
NEVER_HARMLESS = ("old copy", "lost file", "old journal", "lost journal")
FILES = ("data.mdb", "journal", "ACKNOWLEDGED", "snapshots")


def damage(kind, directory, older, dice):
    """Does it, and says what was done."""
    return globals()[kind.replace(" ", "_")](directory, older, dice)


def flipped_bit(directory, _, dice):
    number = draw_page(read(data(directory)), dice)
    return flip(data(directory), number * PAGE + dice.randrange(PAGE), dice)


def flipped_bit_in_use(directory, _, dice):
    return flip(data(directory), draw_used(read(data(directory)), dice), dice)


def draw_used(bytes_, dice):
    """Where something is: most of a page may be free, and most of a journal."""
    while True:
        offset = dice.randrange(len(bytes_))
        if bytes_[offset] != 0:
            return offset


def several_bits(directory, older, dice):
    return ", ".join(flipped_bit(directory, older, dice) for _ in range(dice.randrange(2, 20)))


def zeroed_sector(directory, _, dice):
    return zero(data(directory), SECTOR, dice)


def zeroed_page(directory, _, dice):
    return zero(data(directory), PAGE, dice)


def swapped_pages(directory, _, dice):
    bytes_ = read(data(directory))
    one, other = draw_page(bytes_, dice), draw_page(bytes_, dice)
    put(data(directory), one * PAGE, page(bytes_, other))
    put(data(directory), other * PAGE, page(bytes_, one))
    return "pages %d and %d swapped" % (one, other)


def misdirected_page(directory, _, dice):
    """Written to another place than it should have been, which may have held another."""
    bytes_ = read(data(directory))
    one, other = draw_page(bytes_, dice), draw_page(bytes_, dice)
    put(data(directory), other * PAGE, page(bytes_, one))
    return "page %d is at %d, too" % (one, other)


def stale_page(directory, older, dice):
    """Not written at all: what was there before is there."""
    before = read(data(older))
    number = draw_changed(before, read(data(directory)), PAGE, dice)
    put(data(directory), number * PAGE, page(before, number))
    return "page %d is an old one" % number


def stale_root(directory, older, dice):
    """One of the two pages that lead to all others. The younger is the one to believe."""
    number = dice.randrange(2)
    put(data(directory), number * PAGE, page(read(data(older)), number))
    return "page %d is an old one" % number


def stale_sector(directory, older, dice):
    before = read(data(older))
    offset = draw_changed(before, read(data(directory)), SECTOR, dice) * SECTOR
    put(data(directory), offset, before[offset:offset + SECTOR])
    return "the sector at %d is an old one" % offset


def cut_short(directory, _, dice):
    size = os.path.getsize(data(directory))
    left = dice.choice((dice.randrange(size), size - 1, size - PAGE, 0, PAGE, 2 * PAGE))
    os.truncate(data(directory), left)
    return "cut from %d to %d bytes" % (size, left)


def old_copy(directory, older, _):
    shutil.copy(data(older), data(directory))
    return "an old copy of the file"


def lost_file(directory, _, __):
    os.remove(data(directory))
    return "the file is gone"


def journal_bit(directory, _, dice):
    return flip(journal(directory), draw_used(read(journal(directory)), dice), dice)


def journal_sectors(directory, older, dice):
    """One zeroed, one from before, or one in the place of another."""
    bytes_, path = read(journal(directory)), journal(directory)
    to = draw_used(bytes_, dice) // SECTOR * SECTOR
    other = draw_used(bytes_, dice) // SECTOR * SECTOR
    new = dice.choice((bytes(SECTOR), read(journal(older))[to:to + SECTOR],
                       bytes_[other:other + SECTOR]))
    put(path, to, new)
    return "journal: another sector at %d" % to


def journal_cut_short(directory, _, dice):
    size = os.path.getsize(journal(directory))
    left = dice.choice((dice.randrange(size), size - 1, size - SECTOR, 0, PAGE))
    os.truncate(journal(directory), left)
    return "journal: cut from %d to %d bytes" % (size, left)


def old_journal(directory, older, _):
    shutil.copy(journal(older), journal(directory))
    return "an old copy of the journal"


def lost_journal(directory, _, __):
    os.remove(journal(directory))
    return "the journal is gone"


def witness(directory, older, dice):
    name = dice.choice(("ACKNOWLEDGED", "ACKNOWLEDGED.journal"))
    path = os.path.join(directory, name)
    way = dice.randrange(4)
    if way == 0:
        return flip(path, dice.randrange(os.path.getsize(path)), dice)
    if way == 1:
        shutil.copy(os.path.join(older, name), path)
        return "an old copy of " + name
    os.truncate(path, dice.randrange(os.path.getsize(path)) if way == 2 else 0)
    return name + " cut short"


def snapshot(directory, _, dice):
    paths = sorted(glob.glob(directory + "/snapshots/*/*.snapshot"))
    path = dice.choice(paths)
    size = os.path.getsize(path)
    way = dice.randrange(4)
    if way == 0:
        os.remove(path)
        return "a snapshot is gone"
    if way == 1:
        os.truncate(path, dice.randrange(size))
        return "a snapshot is cut short"
    if way == 2:
        return zero(path, min(SECTOR, size), dice)
    return flip(path, dice.randrange(size), dice)


def data(directory):
    return directory + "/data.mdb"


def journal(directory):
    return directory + "/journal"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, offset, bytes_):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(bytes_)


def page(bytes_, number):
    return bytes_[number * PAGE:(number + 1) * PAGE]


def draw_page(bytes_, dice):
    return draw_block(bytes_, PAGE, dice)


def draw_block(bytes_, size, dice):
    """One that holds something: most of a file is room laid out ahead."""
    while True:
        number = dice.randrange(max(len(bytes_) // size, 1))
        if any(bytes_[number * size:(number + 1) * size]):
            return number


def draw_changed(before, now, size, dice):
    """One that is not what it was, if there is any: all that was written may be in the journal."""
    places = range(0, min(len(before), len(now)), size)
    changed = [at for at in places if before[at:at + size] != now[at:at + size]]
    return dice.choice(changed) // size if changed else draw_block(before, size, dice)


def flip(path, offset, dice):
    bytes_, bit = read(path), dice.randrange(8)
    put(path, offset, bytes([bytes_[offset] ^ 1 << bit]))
    return "%s: bit %d of byte %d flipped" % (os.path.basename(path), bit, offset)


def zero(path, size, dice):
    offset = draw_block(read(path), size, dice) * size
    put(path, offset, bytes(size))
    return "%s: %d bytes from %d zeroed" % (os.path.basename(path), size, offset)
