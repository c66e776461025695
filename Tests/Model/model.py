#!/usr/bin/env python3
"""The job protocol of Sources/Tallystick/Tallystick.docc/Protocol.md in executable form: an explicit-state model checker.

    python3 model.py                     bounded check, under a minute; verdict per invariant
    python3 model.py --deep              larger bounds, about ten minutes on one core
    python3 model.py --list              the scenarios, the rules and the invariants
    python3 model.py --off RULE          the shortest counterexample without RULE (may be repeated)
    python3 model.py --teeth             each rule switched off in turn: does an invariant break?
    python3 model.py --only NAME         one scenario;   --max N caps the states of each scenario

One job; its Redis half, its Postgres half, and everybody who touches either. A step is ONE Redis function call or ONE
Postgres transaction. Steps of all actors interleave freely, so "stalls for any time between two steps" needs no step of
its own, and an actor that crashes is one that never moves again (client, operator) or one that forgets (relay, mirror,
reconciler, worker). A lost reply is a step whose effect stays while its caller has learnt nothing and may call again.

Breadth first, so the first counterexample is a shortest one. In the output, `complete`: every state within the bounds was
seen, and from each the duties alone lead to rest (no livelock); `finished`: the former only; `cut`: the limit came first.
Visited states are kept as 64-bit hashes: a collision could hide a state, with probability about n*n / 2**65.

What is small here: one job (jobs meet only in the log, the cursor and the epoch), two workers, max_crashes 2, time in
ticks of 30 s (a push is refused when `issued` is more than 1 tick old, a tombstone may go after 2). Time moves only where a
scenario says so. What is left out: bodies, queues, priorities, scheduled starts, uniqueness, quarantine, the log budget, a
Postgres restored from an old backup (D18), two live Redis primaries, a held epoch opened by time because Postgres is away.
"""
import argparse
import sys
import time
from typing import NamedTuple, Optional

# ---------------------------------------------------------------------------------------------------------------- rules
# Every rule is on by default, and Protocol.md states each. OWN stood in its first draft; the checker found the need for the
# MENDS. Switch one off and it prints what goes wrong. READINGS hold either way.
MENDS = {
    "guard_epoch": "row guard is (epoch, version, seq), and a terminal row yields only to a higher version; off: "
                   "(version, epoch, seq), terminal sticky within its version",
    "tombstone_mirrored": "a tombstone is dropped 60 s after the MIRROR reported it; off: 60 s after it was written, "
                     "once mirrored",
    "issued_open": "a push issued before the current epoch was opened is refused, the reconciler's own excepted; "
                   "off: only its age counts",
    "hold": "a new epoch hands out no lease until the reconciler has compared and opened it; off: at once",
    "detour_at_epoch": "a new epoch writes a detour for each surviving lease; off: 'absent' is decided by a lookup "
                       "under the current epoch",
    "cancel_version": "cancel of an unknown id takes the version from the ledger and writes nothing without a row; "
                      "off: a tombstone at version 1, whatever the ledger holds",
    "cancel_ledger": "cancel answers `cancelled` after the ledger row says so too; off: after Redis alone",
    "cancel_epoch": "that ledger write also requires the mirror cursor to be in the epoch of the Redis reply; off: no",
    "requeue_version": "requeue compares the version its caller saw; off: only status = failed",
    "effects_key": "job_effects is unique by job id alone; off: by (job id, token)",
    "terminal_not_in_flight": "'outbox row exists: in flight' excuses only non-terminal rows; off: every row",
    "outbox_version": "the relay pushes the version in the OUTBOX row; off: that of the job row, where it is higher",
    "requeue_floor": "the row remembers the version of its last requeue and takes no event below it; off: it may",
    "epoch_entry": "starting an epoch is itself a log entry; off: the first transition is the epoch's first entry",
}
OWN = {
    "outbox": "T1 writes an outbox row that the relay works off",
    "token_epoch": "the lease token carries the epoch",
    "issued_bound": "a push over 30 s old is refused",
    "tombstones": "terminal jobs leave a tombstone that answers pushes",
    "outdated": "reserve drops elements of an outdated version",
    "cursor_cas": "the mirror's commit compares and sets its cursor",
    "sticky": "a terminal row is sticky",
    "barrier": "the reconciler waits until the mirror has applied the log end it noted",
    "outbox_excuse": "a non-terminal row whose outbox row exists is in flight, not drift",
    "repair_cas": "a repair compares what the reconciler saw: still absent, or still at that state and version",
}
READINGS = {
    "push_supersedes": "a push at a higher version replaces what Redis holds; off: answers `exists` (both hold)",
}
RULES = {**MENDS, **OWN, **READINGS}
INVARIANTS = {
    "I1": "no acknowledged job is lost: whenever nothing can move, it is terminal in the ledger and gone from Redis",
    "I2": "never two leases of one job on one Redis history",
    "I3": "a terminal job never starts again without a requeue (after data loss: unless its end was not yet mirrored)",
    "I4": "a job acknowledged as cancelled never starts",
    "I5": "the ledger ends as the last kept transition says; each event applied exactly once",
    "I6": "a stale token changes nothing",
    "I7": "two operators who requeue the same failure start it once more, not twice; and no requeue is forgotten",
    "I8": "without data loss the reconciler repairs nothing; with it, repairs come to an end",
    "I9": "job_effects: the effect commits at most once",
}
MAX_CRASHES = 2
TERMINAL = ("completed", "failed", "cancelled")
BOUND, DROP = 1, 2                                        # ticks of 30 s


class Rules:
    """The switches, read as attributes."""
    def __init__(self, off=()):
        for name in RULES:
            setattr(self, name, name not in off)


F = Rules()


# ---------------------------------------------------------------------------------------------------------------- state
class Redis(NamedTuple):
    run: int                  # run_id of the server process
    mrun: int                 # run_id in `meta`; 0 = meta is empty
    epoch: int
    seq: int
    held: bool                # no leases until the reconciler opens the epoch (rule `hold`)
    body: bool                # the job is known
    ready: tuple              # versions of the job's list elements
    due: tuple                # version of its element in `due`
    leases: tuple             # (version, epoch, grant, expired); `grant` is the checker's own name for the lease
    detour: Optional[tuple]   # (state, version, crashes, cancel flag)
    tombstone: Optional[tuple]     # (status, version, epoch, seq, written at, reported mirrored at)
    log: tuple                # entries (epoch, seq, verb, status, version)


class Ledger(NamedTuple):
    row: Optional[tuple]      # (status, version, epoch, seq)
    outbox: tuple             # versions
    cursor: tuple             # (epoch, seq)
    events: tuple             # applied entries
    effect: tuple             # grants that committed an effect
    floor: int = 1            # version of the last requeue (rule `requeue_floor`)


class Memory(NamedTuple):      # what the checker remembers; no actor reads it
    grants: int = 0
    epochs: int = 1           # stands for the server's milliseconds: every new epoch is above all earlier ones
    done: Optional[tuple] = None   # (version, mirrored) of the last terminal transition that was accepted
    requeued: int = 0         # highest version that a requeue asked for
    seen: tuple = ()          # failed versions whose requeue succeeded
    cancelled: bool = False   # a cancel was acknowledged
    loss: bool = False        # Redis lost data
    reruns: int = 0           # excused starts: terminal, not mirrored, lost
    repairs: int = 0
    bad: str = ""


class Budget(NamedTuple):     # how often each may still happen
    expire: int = 0           # a lease runs out while its worker lives
    crash: int = 0            # a worker dies
    lost: int = 0             # a reserve reply is lost
    flush: int = 0
    snap: int = 0             # a point a rollback can return to
    tick: int = 0
    retry: int = 0
    fail: int = 0
    release: int = 0
    cancel: int = 0
    scan: int = 0             # reconciler scans that start with nothing to find


class State(NamedTuple):
    rd: Redis
    pg: Ledger
    now: int
    client: tuple             # ("T1",) ("T2", issued) ("T3",) ("end",)
    relay: Optional[tuple]    # ("push"|"delete", outbox version, job version, issued)
    mirrors: tuple            # each None | ("commit", base, batch) | ("report", (epoch, seq))
    rec: Optional[tuple]      # ("wait", view, S, issued) | ("repair", code, view, row, issued)
    cancel: tuple             # ("idle",) ...
    ops: tuple                # each None | version seen | "end"
    workers: tuple            # each None | (version, epoch, grant, phase)
    memory: Memory
    left: Budget
    snap: Optional[Redis]


def start(scenario):
    bounds = dict(scenario)
    workers, mirrors, ops = bounds.pop("workers", 1), bounds.pop("mirrors", 1), bounds.pop("ops", 0)
    effects, begun = bounds.pop("effects", False), bounds.pop("begun", None)
    rd = Redis(1, 1, 1, 0, False, False, (), (), (), None, None, ())
    pg, client = Ledger(None, (), (1, 0), (), ()), ("T1",)
    if begun:                                             # enqueued, pushed and mirrored; perhaps not yet T3
        rd = rd._replace(seq=1, body=True, ready=(1,))
        pg = Ledger(("pending", 1, 1, 1), (1,) if begun == "outbox" else (), (1, 1), ((1, 1, "push", "pending", 1),), ())
        client = ("end",)
    return State(rd, pg, 0, client, None, (None,) * mirrors, None, ("idle",),
                 (None,) * ops, (None,) * workers, Memory(), Budget(**bounds), None), effects


# ------------------------------------------------------------------------------------------------- the Redis functions
def call(s):
    """What every function does first: compare run_id, start a new epoch when it differs or meta is empty."""
    r = s.rd
    if r.mrun == r.run:
        return s
    e = s.memory.epochs + 1
    r = r._replace(mrun=r.run, epoch=e, seq=0, held=F.hold)
    if F.epoch_entry:
        r = entry(r, "epoch", None, 0)
    if F.detour_at_epoch and r.body and r.detour is None and r.leases:
        r = r._replace(detour=("processing", r.leases[0][0], 0, False))
    return s._replace(rd=r, memory=s.memory._replace(epochs=e))


def current(r):
    """(state, version, crashes, cancel flag) of the job, or None. 'Absent = pending at 1, or leased at 2.'"""
    if not r.body:
        return None
    if r.detour is not None:
        return r.detour
    for lease in r.leases:
        if lease[0] == 2 and (F.detour_at_epoch or lease[1] == r.epoch):
            return ("processing", 2, 0, False)
    return ("pending", 1, 0, False)


def put(r, state, version, crashes, flag=False):
    """Writes the detour, or nothing where absence says it."""
    plain = crashes == 0 and not flag and ((state, version) == ("pending", 1)
                                           or (state, version) == ("processing", 2))
    return r._replace(detour=None if plain else (state, version, crashes, flag))


def entry(r, verb, status, version):
    return r._replace(seq=r.seq + 1, log=r.log + ((r.epoch, r.seq + 1, verb, status, version),))


def without(items, item):
    i = items.index(item)
    return items[:i] + items[i + 1:]


def leave(s, verb, status, version):
    """The job is terminal: body and detour go, a tombstone and an entry come."""
    r = entry(s.rd, verb, status, version)
    r = r._replace(body=False, detour=None, due=())
    if F.tombstones:
        r = r._replace(tombstone=(status, version, r.epoch, r.seq, s.now, None))
    g = s.memory
    if g.done is None or version >= g.done[0]:
        g = g._replace(done=(version, False))
    return s._replace(rd=r, memory=g)


def stamp(s):
    """`issued`: taken before the ledger is read. The epoch stands for 'after this epoch was opened'; 0 = not open."""
    r = s.rd
    return (r.epoch if r.mrun == r.run and not r.held else 0, s.now)


def too_old(s, issued):
    epoch, at = issued
    return (F.issued_bound and s.now - at > BOUND) or (F.issued_open and epoch != s.rd.epoch)


def push(s, version, issued):
    """-> (state, answer): pushed | exists | tombstone | refused."""
    s = call(s)
    r = s.rd
    if too_old(s, issued):
        return s, "refused"
    if r.tombstone and r.tombstone[1] >= version:
        return s, "tombstone"
    if r.body:
        if current(r)[1] >= version or not F.push_supersedes:
            return s, "exists"
        held = current(r)
        if held[0] == "processing":           # the lease that this function can find
            r = r._replace(leases=tuple(x for x in r.leases if x[0] != held[1]))
        r = r._replace(due=())
    r = put(r._replace(body=True, tombstone=None, ready=tuple(sorted(r.ready + (version,)))), "pending", version, 0)
    return s._replace(rd=entry(r, "push", "pending", version)), "pushed"


def reserve(s, element):
    """-> (state, lease or None): pops one element; an outdated one is dropped."""
    s = call(s)
    r, g = s.rd, s.memory
    if r.held or element not in r.ready:
        return s, None
    r = r._replace(ready=without(r.ready, element))
    c = current(r)
    if c is None or (F.outdated and (c[0] != "pending" or c[1] != element)):
        return s._replace(rd=r), None
    version, grant = element + 1, g.grants + 1
    lease = (version, r.epoch, grant, False)
    r = put(r._replace(leases=r.leases + (lease,)), "processing", version, c[2])
    g = g._replace(grants=grant)
    if g.cancelled:
        g = g._replace(bad="I4")
    elif g.done and g.requeued <= g.done[0]:
        g = g._replace(reruns=g.reruns + 1) if g.loss and not g.done[1] else g._replace(bad="I3")
    s = s._replace(rd=entry(r, "lease", "processing", version), memory=g)
    return s, lease


def settle(s, w, verb):
    """ack, fail, retry, release with a worker's token -> (state, accepted)."""
    s = call(s)
    r = s.rd
    version, epoch, grant, _ = w
    found = [x for x in r.leases if x[0] == version and (x[1] == epoch or not F.token_epoch)]
    if not found or found[0][3]:
        return s, False                        # not processing, or expired; a repeat is answered from the tombstone
    lease = found[0]
    if lease[2] != grant:
        s = s._replace(memory=s.memory._replace(bad="I6"))
    c = current(r)
    crashes, flag = (c[2], c[3]) if c else (0, False)
    s = s._replace(rd=r._replace(leases=without(r.leases, lease)))
    if verb == "ack":
        return leave(s, verb, "completed", version), True
    if flag:
        return leave(s, verb, "cancelled", version), True
    if verb == "fail":
        return leave(s, verb, "failed", version), True
    status = "retrying" if verb == "retry" else "scheduled"
    r = s.rd._replace(due=(version,), detour=(status, version, crashes, False))
    return s._replace(rd=entry(r, verb, status, version)), True


def reclaim(s, lease):
    s = call(s)
    r = s.rd
    version = lease[0]
    c = current(r)
    crashes, flag = ((c[2] if c else 0) + 1), (c[3] if c else False)
    s = s._replace(rd=r._replace(leases=without(r.leases, lease)))
    if flag:
        return leave(s, "reclaim", "cancelled", version)
    if crashes >= MAX_CRASHES:
        return leave(s, "reclaim", "failed", version)
    r = put(s.rd, "pending", version, crashes)._replace(ready=tuple(sorted(s.rd.ready + (version,))))
    return s._replace(rd=entry(r, "reclaim", "pending", version))


def promote(s):
    s = call(s)
    r = s.rd
    version = r.due[0]
    r = put(r._replace(due=(), ready=tuple(sorted(r.ready + (version,)))), "pending", version, r.detour[2])
    return s._replace(rd=entry(r, "promote", "pending", version))


def cancel(s, version=None, issued=None):
    """-> (state, answer, version). Without a version: what Redis knows. With one: the id may be unknown."""
    s = call(s)
    r = s.rd
    if version is not None and too_old(s, issued):
        return s, "refused", 0
    c = current(r)
    if c is not None:
        if c[0] == "processing":
            r = put(r, "processing", c[1], c[2], True)
            return s._replace(rd=entry(r, "flag", "processing", c[1])), "cancelling", c[1]
        return leave(s, "cancel", "cancelled", c[1]), "cancelled", c[1]
    if r.tombstone and (version is None or r.tombstone[1] >= version):
        return s, r.tombstone[0], r.tombstone[1]
    if version is None and not F.cancel_version:
        return leave(s, "cancel", "cancelled", 1), "wrote", 1
    if version is None:
        return s, "unknown", 0
    return leave(s, "cancel", "cancelled", version), "cancelled", version


# ------------------------------------------------------------------------------------------------ the mirror's row guard
def outranks(event, row, floor):
    _, version, epoch, seq = row
    e, q, _, _, v = event
    if F.requeue_floor and v < floor:
        return False
    if F.guard_epoch:
        if F.sticky and row[0] in TERMINAL:
            return v > version
        return (e, v, q) > (epoch, version, seq)
    if F.sticky and row[0] in TERMINAL and v == version:
        return False
    return (v, e, q) > (version, epoch, seq)


# ------------------------------------------------------------------------------------------------------- the reconciler
def view(r):
    c = current(r)
    return (c[:2] if c else None, r.tombstone[:2] if r.tombstone else None)


def verdict(seen, row, outbox, effect):
    """The drift code after the barrier, or None."""
    if row is None:
        return None
    active, tombstone = seen
    status, version = row[:2]
    if status in TERMINAL:
        if outbox and not F.terminal_not_in_flight:
            return None
        return "D05" if active and active[1] <= version else None
    if outbox and F.outbox_excuse:
        return None
    if active is None:
        if tombstone and tombstone[1] >= version:
            return "D06"
        return "D04e" if effect else "D04" if status == "processing" else "D01"
    if active[1] < version and F.push_supersedes:
        return "D07" if status != "processing" else None      # a lost requeue; a lost lease needs nothing
    return None


def repair(s, code, seen, row, issued):
    """-> (state, made). Each is one Redis function that compares what the reconciler saw, and logs."""
    s = call(s)
    if s.rd.epoch != issued[0]:
        return s, False
    status, version = row[:2]
    if F.repair_cas and view(s.rd) != seen:
        return s, False
    if code in ("D01", "D04", "D07"):
        s, answer = push(s, version + (code == "D04"), issued)
        return s, answer == "pushed"
    if code == "D04e":
        return leave(s, "repair", "completed", version), True
    if code == "D06":
        return s._replace(rd=entry(s.rd, "repair", seen[1][0], seen[1][1])), True
    leases = s.rd.leases if seen[0][0] != "processing" else tuple(x for x in s.rd.leases if x[0] != seen[0][1])
    r = s.rd._replace(leases=leases)                          # D05: the ledger wins
    return leave(s._replace(rd=r), "repair", status, version), True


def wants_scan(s):
    r, p = s.rd, s.pg
    if r.mrun != r.run or r.held:
        return True
    return p.cursor >= (r.epoch, r.seq) and verdict(view(r), p.row, p.outbox, p.effect) is not None


# ------------------------------------------------------------------------------------------------------------ the steps
def steps(s, effects):
    """Yields (label, next state, duty). A duty is a step somebody will surely take; a state without one is at rest."""
    rd, pg, g, left = s.rd, s.pg, s.memory, s.left
    here = stamp(s)

    # client: T1 commit, T2 push, T3 delete. It may stop anywhere, so none is a duty.
    phase = s.client[0]
    if phase == "T1":
        if pg.row is None:
            yield "client T1: commits job row and outbox row", s._replace(
                pg=pg._replace(row=("pending", 1, 0, 0), outbox=(1,) if F.outbox else ()), client=("T2", here)), False
    elif phase == "T2":
        n, answer = push(s, 1, s.client[1])
        yield "client T2: push -> " + answer, n._replace(client=("end",) if answer == "refused" else ("T3",)), False
        yield "client T2: push -> " + answer + ", reply lost", n, False
    elif phase == "T3" and not (s.relay and s.relay[1] == 1):
        yield "client T3: deletes the outbox row", s._replace(
            pg=pg._replace(outbox=tuple(v for v in pg.outbox if v != 1)), client=("end",)), False

    # relay: claim and read, push, delete and commit; a crash gives the row lock back.
    if s.relay is None:
        for v in pg.outbox:
            status, version = pg.row[:2]
            if status in TERMINAL:
                yield "relay: outbox row v%d, job %s: deletes the row" % (v, status), s._replace(
                    pg=pg._replace(outbox=without(pg.outbox, v))), True
            else:
                yield "relay: claims outbox row v%d, reads %s v%d" % (v, status, version), s._replace(
                    relay=("push", v, v if F.outbox_version else max(version, v), here)), True
    else:
        what, v, version, issued = s.relay
        if what == "push":
            n, answer = push(s, version, issued)
            yield "relay: push v%d -> %s" % (version, answer), n._replace(
                relay=None if answer == "refused" else ("delete", v, 0, ())), True
        else:
            yield "relay: deletes outbox row v%d, commits" % v, s._replace(
                pg=pg._replace(outbox=without(pg.outbox, v)), relay=None), True
        yield "relay: crashes, its lock is released", s._replace(relay=None), False

    # workers
    for i, w in enumerate(s.workers):
        def with_worker(n, x):
            ws = n.workers[:i] + (x,) + n.workers[i + 1:]
            return n._replace(workers=tuple(sorted(ws, key=lambda y: y or ())))
        if w is None:
            if s.workers.index(None) != i:
                continue
            for element in sorted(set(rd.ready)):
                n, lease = reserve(s, element)
                if n == s:
                    continue
                if lease is None:
                    yield "worker: reserve, element v%d dropped or held back" % element, n, True
                    continue
                yield "worker %d: reserve -> lease v%d epoch %d" % (lease[2], lease[0], lease[1]), with_worker(
                    n, lease[:3] + ("run",)), True
                if left.lost:
                    yield "worker: reserve -> lease v%d, reply lost" % lease[0], n._replace(
                        left=left._replace(lost=left.lost - 1)), False
            continue
        name = "worker %d (v%d)" % (w[2], w[0])
        if left.crash:
            yield name + " crashes", with_worker(s._replace(left=left._replace(crash=left.crash - 1)), None), False
        if effects and w[3] == "run":
            yield name + (": sees the effect of another" if pg.effect else ": sees no effect"), with_worker(
                s, w[:3] + ("done" if pg.effect else "clear",)), True
            continue
        if effects and w[3] == "clear":
            clash = pg.effect if F.effects_key else tuple(x for x in pg.effect if x == w[2])
            n = s if clash else s._replace(pg=pg._replace(effect=pg.effect + (w[2],)))
            if len(n.pg.effect) > 1:
                n = n._replace(memory=g._replace(bad="I9"))
            yield name + (": effect refused, already there" if clash else ": commits its effect"), with_worker(
                n, w[:3] + ("done",)), True
            continue
        for verb in ("ack", "fail", "retry", "release"):
            if verb != "ack" and not getattr(left, verb):
                continue
            n, accepted = settle(s, w, verb)
            if not accepted and verb != "ack":
                continue
            if verb != "ack":
                n = n._replace(left=n.left._replace(**{verb: getattr(left, verb) - 1}))
            yield "%s: %s -> %s" % (name, verb, "accepted" if accepted else "refused"), with_worker(n, None), True
            if accepted:
                yield "%s: %s -> accepted, reply lost" % (name, verb), n, False

    # leases and time; promote and reclaim ride on anybody's calls
    for lease in rd.leases:
        if lease[3]:
            yield "reclaim of lease v%d" % lease[0], reclaim(s, lease), True
            continue
        orphan = all(w is None or w[2] != lease[2] for w in s.workers)
        if orphan or left.expire:
            gone = lease[:3] + (True,)
            n = s._replace(rd=rd._replace(leases=tuple(gone if x == lease else x for x in rd.leases)))
            if not orphan:
                n = n._replace(left=left._replace(expire=left.expire - 1))
            yield "lease v%d epoch %d expires%s" % (lease[0], lease[1], "" if orphan else " under a live worker"), n, orphan
    if rd.due and rd.detour:
        yield "promote v%d" % rd.due[0], promote(s), True
    if left.tick:
        yield "30 s pass", s._replace(now=s.now + 1, left=left._replace(tick=left.tick - 1)), False
    t = rd.tombstone
    if t and left.tick != -1:
        since = t[5] if F.tombstone_mirrored else t[4]
        if t[5] is not None and s.now - since >= DROP and s.now - t[4] >= DROP:
            yield "tombstone (%s v%d) is dropped" % t[:2], s._replace(rd=rd._replace(tombstone=None)), False

    # cancel, by a client that may stop anywhere
    c = s.cancel
    if c[0] == "idle" and left.cancel or c[0] == "again":
        n, answer, v = cancel(s)
        if c[0] == "idle":
            n = n._replace(left=left._replace(cancel=left.cancel - 1))
        yield "cancel -> " + answer, after_cancel(n, answer, v), False
    elif c[0] == "read":
        row = pg.row
        if row is None or row[0] in ("completed", "failed"):
            yield "cancel: reads the ledger: nothing to cancel", s._replace(cancel=("idle",)), False
        elif row[0] == "cancelled":
            yield "cancel: reads the ledger: cancelled, acknowledged", acknowledge(s), False
        else:
            yield "cancel: reads the ledger: %s v%d" % row[:2], s._replace(cancel=("tombstone", row[1], c[1])), False
    elif c[0] == "tombstone":
        n, answer, v = cancel(s, c[1], c[2])
        yield "cancel at v%d -> %s" % (c[1], answer), after_cancel(n, answer, v), False
    elif c[0] == "cas":
        _, v, epoch = c
        row = pg.row
        if row and row[0] == "cancelled":
            yield "cancel: the ledger row is cancelled, acknowledged", acknowledge(s), False
        elif row is None or row[0] in TERMINAL:
            yield "cancel: the ledger row is not to be cancelled", s._replace(cancel=("idle",)), False
        elif F.cancel_version and row[1] > v or F.cancel_epoch and pg.cursor[0] != epoch:
            yield "cancel: compare-and-set misses, starts over", s._replace(cancel=("again",)), False
        else:
            n = s._replace(pg=pg._replace(row=("cancelled", max(v, row[1])) + row[2:]))
            n = n._replace(memory=g._replace(done=(max(v, row[1]), True)))
            yield "cancel: sets the ledger row cancelled v%d, acknowledged" % n.pg.row[1], acknowledge(n), False

    # operators: look, then requeue
    for i, o in enumerate(s.ops):
        def with_op(n, x):
            return n._replace(ops=n.ops[:i] + (x,) + n.ops[i + 1:])
        if o is None and pg.row and pg.row[0] == "failed":
            yield "operator %d sees failed v%d" % (i + 1, pg.row[1]), with_op(s, pg.row[1]), False
        elif isinstance(o, int):
            row = pg.row
            if row[0] == "failed" and (row[1] == o or not F.requeue_version):
                v = row[1] + 1
                n = s._replace(pg=pg._replace(row=("pending", v) + row[2:], outbox=tuple(sorted(pg.outbox + (v,))),
                                           floor=v))
                n = n._replace(memory=g._replace(requeued=v, seen=tuple(sorted(g.seen + (o,))),
                                                bad="I7" if o in g.seen else g.bad))
                yield "operator %d requeues: pending v%d and an outbox row" % (i + 1, v), with_op(n, "end"), False
            else:
                yield "operator %d: requeue misses" % (i + 1), with_op(s, "end"), False

    # mirrors
    for i, m in enumerate(s.mirrors):
        def with_mirror(n, x):
            return n._replace(mirrors=n.mirrors[:i] + (x,) + n.mirrors[i + 1:])
        if m is None:
            batch = tuple(x for x in rd.log if x[:2] > pg.cursor)
            if batch:
                yield "mirror: reads the log to %d-%d" % batch[-1][:2], with_mirror(s, ("commit", pg.cursor, batch)), True
            continue
        if m[0] == "commit":
            n = s
            if m[1] == pg.cursor or not F.cursor_cas:
                row, memory = pg.row, g
                for event in m[2]:
                    if event[:2] in [x[:2] for x in pg.events]:
                        memory = memory._replace(bad="I5")
                    if event[3] is None:
                        continue
                    if row and outranks(event, row, pg.floor):
                        row = (event[3], event[4], event[0], event[1])
                    if event[3] in TERMINAL and memory.done and event[4] >= memory.done[0]:
                        memory = memory._replace(done=(memory.done[0], True))
                n = s._replace(memory=memory, pg=pg._replace(row=row, cursor=m[2][-1][:2], events=tuple(
                    sorted(set(pg.events) | set(m[2])))))
                yield "mirror: commits to %d-%d" % m[2][-1][:2], with_mirror(n, ("report", m[2][-1][:2])), True
            else:
                yield "mirror: cursor has moved, rolls back", with_mirror(s, None), True
        else:
            n = call(s)
            r = n.rd._replace(log=tuple(x for x in n.rd.log if x[:2] > m[1]))
            if r.tombstone and r.tombstone[5] is None and r.tombstone[2:4] <= m[1]:
                r = r._replace(tombstone=r.tombstone[:5] + (n.now,))
            yield "mirror: reports and trims to %d-%d" % m[1], with_mirror(n._replace(rd=r), None), True
        yield "mirror: crashes", with_mirror(s, None), False

    # reconciler
    if s.rec is None:
        wanted = wants_scan(s)
        if wanted or left.scan:
            n = call(s)
            r = n.rd
            n = n._replace(rec=("wait", view(r), (r.epoch, r.seq), (r.epoch, n.now)))
            if not wanted:
                n = n._replace(left=left._replace(scan=left.scan - 1))
            yield "reconciler: reads Redis %s at %d-%d" % (n.rec[1:3][0], r.epoch, r.seq), n, wanted
    elif s.rec[0] == "wait":
        _, seen, end, issued = s.rec
        if pg.cursor >= end or not F.barrier:
            code = verdict(seen, pg.row, pg.outbox, pg.effect)
            if code:
                yield "reconciler: reads the ledger %s v%d: %s" % (pg.row[:2] + (code,)), s._replace(
                    rec=("repair", code, seen, pg.row, issued)), True
            else:
                n = call(s)
                if n.rd.held and n.rd.epoch == end[0]:
                    n = n._replace(rd=n.rd._replace(held=False))
                    yield "reconciler: no drift, opens epoch %d" % end[0], n._replace(rec=None), True
                else:
                    yield "reconciler: no drift", s._replace(rec=None), True
        elif rd.epoch != end[0] or rd.mrun != rd.run:
            yield "reconciler: the epoch has changed, gives up", s._replace(rec=None), True
    else:
        _, code, seen, row, issued = s.rec
        n, made = repair(s, code, seen, row, issued)
        if made:
            memory = n.memory._replace(repairs=g.repairs + 1)
            if not g.loss or memory.repairs > 6:
                memory = memory._replace(bad="I8")
            n = n._replace(memory=memory)
        yield "reconciler: repair %s -> %s" % (code, "made" if made else "raced, dropped"), n._replace(rec=None), True
    if s.rec is not None:
        yield "reconciler: crashes", s._replace(rec=None), False

    # Redis loses data
    if left.flush:
        yield "FLUSHALL", s._replace(
            rd=Redis(rd.run, 0, 0, 0, False, False, (), (), (), None, None, ()),
            memory=g._replace(loss=True), left=left._replace(flush=left.flush - 1)), False
    if left.snap:
        yield "(Redis will return to this point)", s._replace(snap=rd, left=left._replace(snap=left.snap - 1)), False
    if s.snap:
        yield "Redis restarts with its tail lost", s._replace(
            rd=s.snap._replace(run=rd.run + 1), snap=None, memory=g._replace(loss=True)), False


def acknowledge(s):
    return s._replace(cancel=("idle",), memory=s.memory._replace(cancelled=True))


def after_cancel(s, answer, version):
    if answer in ("refused",):
        return s._replace(cancel=("again",))
    if answer == "unknown":
        return s._replace(cancel=("read", stamp(s)))
    if answer == "wrote" or answer == "cancelled" and F.cancel_ledger:
        return s._replace(cancel=("cas", version, s.rd.epoch))
    if answer == "cancelled":
        return acknowledge(s)
    return s._replace(cancel=("idle",))


# ------------------------------------------------------------------------------------------------------- the invariants
def broken(s):
    """Broken in any state."""
    if s.memory.bad:
        return s.memory.bad
    if len(s.rd.leases) > 1:
        return "I2"
    return ""


def broken_at_rest(s):
    """Broken when no duty is left: everything has come to its end, as far as anybody will surely act."""
    row, rd = s.pg.row, s.rd
    if row is None:
        return ""
    if row[0] not in TERMINAL or rd.body or rd.leases:
        return "I1"
    if row[0] == "failed" and row[1] < s.memory.requeued:
        return "I7"
    if not s.memory.loss:
        events = s.pg.events
        if [x[1] for x in events] != list(range(1, rd.seq + 1)):
            return "I5"
        if events and events[-1][3:] != row[:2]:
            return "I5"
    return ""


# ---------------------------------------------------------------------------------------------------------- the checker
TRACKED = 1000000      # states up to which a scenario is also checked for coming to rest from everywhere


class Result:
    def __init__(self):
        self.live = False
        self.states = self.rests = self.reruns = self.depth = 0
        self.complete, self.bad, self.trace, self.seconds = True, "", [], 0.0


def check(scenario, limit, deadline):
    s0, effects = start(scenario)
    began, out = time.process_time(), Result()
    parent = {hash(s0): 0}
    back, resting = {}, []                                # duties backwards, to find states that never come to rest
    level = [s0]
    while level:
        following = []
        for s in level:
            h = hash(s)
            rest = True
            for label, n, duty in steps(s, effects):
                rest = rest and not duty
                k = hash(n)
                if duty and back is not None:
                    back.setdefault(k, []).append(h)
                if k in parent:
                    continue
                parent[k] = h
                bad = broken(n)
                if bad:
                    out.bad = bad
                    out.trace = trace(s0, parent, k, effects)
                    break
                following.append(n)
            if not out.bad and rest:
                out.rests += 1
                resting.append(h)
                out.reruns += s.memory.reruns > 0
                out.bad = broken_at_rest(s)
                if out.bad:
                    out.trace = trace(s0, parent, h, effects) + ["(nothing can move: ledger %s, Redis %s)" % (
                        s.pg.row, view(s.rd))]
            if out.bad:
                break
        out.depth += 1
        if out.bad:
            break
        level = following
        if len(parent) > TRACKED:
            back = None
        if len(parent) > limit or time.process_time() > deadline:
            out.complete = not level
            break
    if back is not None and out.complete and not out.bad:
        out.live, ends = True, set(resting)
        while resting:
            for h in back.get(resting.pop(), ()):
                if h not in ends:
                    ends.add(h)
                    resting.append(h)
        stuck = next((k for k in parent if k not in ends), None)
        if stuck is not None:
            out.bad, out.trace = "I1", trace(s0, parent, stuck, effects) + ["(from here on duties go round for ever)"]
    out.states, out.seconds = len(parent), time.process_time() - began
    return out


def trace(s0, parent, k, effects):
    path = [k]
    while parent[path[-1]]:
        path.append(parent[path[-1]])
    s, lines = s0, []
    for k in reversed(path[:-1]):
        for label, n, _ in steps(s, effects):
            if hash(n) == k:
                s = n
                lines.append(label)
                break
    return lines


# Each scenario: bounds, and what it is there for.
SCENARIOS = {
    "enqueue": (dict(workers=1, scan=1), "client, relay, mirror and reconciler race over one enqueue"),
    "lease": (dict(begun="yes", workers=2, expire=1, crash=1, lost=1, retry=1), "two workers, expiries, lost replies"),
    "release": (dict(begun="yes", workers=2, expire=2, release=1, fail=1), "release, fail, two expiries"),
    "mirrors": (dict(workers=1, mirrors=2, retry=1), "two mirrors"),
    "reconcile": (dict(begun="yes", workers=1, retry=1, cancel=1, scan=2), "scans without loss: no false repair"),
    "tombstones": (dict(workers=1, tick=4), "pushes that come late, against tombstones that go"),
    "cancel": (dict(workers=1, cancel=2), "cancel at every moment"),
    "cancel-late": (dict(begun="yes", workers=2, cancel=2, expire=1, retry=1), "cancel of a job that has run before"),
    "requeue": (dict(begun="yes", workers=1, ops=2, fail=2), "two operators"),
    "requeue-cancel": (dict(begun="yes", workers=1, ops=1, fail=1, cancel=1, tick=2), "cancel of a requeued job"),
    "effects": (dict(begun="yes", workers=2, effects=True, expire=1, crash=1, lost=1), "job_effects"),
    "flush": (dict(workers=2, flush=1), "FLUSHALL"),
    "flush-twice": (dict(begun="outbox", workers=1, flush=2), "FLUSHALL, and again"),
    "flush-retry": (dict(begun="outbox", workers=2, flush=1, retry=1), "FLUSHALL around a retry"),
    "flush-cancel": (dict(workers=1, flush=1, cancel=1), "FLUSHALL around a cancel"),
    "flush-requeue": (dict(begun="yes", workers=1, flush=1, ops=1, fail=1), "FLUSHALL around a requeue"),
    "flush-effects": (dict(begun="yes", workers=2, flush=1, effects=True), "FLUSHALL with job_effects"),
    "rollback": (dict(begun="yes", workers=1, snap=1, retry=1), "lost tail"),
    "rollback-enqueue": (dict(workers=1, snap=1), "lost tail around the enqueue"),
    "rollback-retry": (dict(begun="outbox", workers=1, snap=1, retry=1), "lost tail, outbox row still there"),
    "rollback-cancel": (dict(begun="outbox", workers=1, snap=1, cancel=1), "lost tail around a cancel"),
    "rollback-requeue": (dict(begun="yes", workers=1, snap=1, ops=1, fail=1), "lost tail around a requeue"),
    "rollback-refail": (dict(begun="yes", workers=1, snap=1, ops=1, fail=2), "lost tail, the requeued job fails again"),
    "rollback-effects": (dict(begun="yes", workers=2, snap=1, effects=True), "lost tail with job_effects"),
    "flush-mirrors": (dict(begun="outbox", workers=1, mirrors=2, flush=1), "FLUSHALL while a mirror stalls"),
    "rollback-mirrors": (dict(begun="yes", workers=1, mirrors=2, snap=1), "lost tail while a mirror stalls"),
    "rollback-flush": (dict(begun="yes", workers=1, snap=1, flush=1), "lost tail and FLUSHALL"),
}
# Where each rule shows its worth soonest.
WITNESS = {
    "guard_epoch": "rollback", "tombstone_mirrored": "tombstones", "issued_open": "flush-cancel", "hold": "rollback-cancel",
    "detour_at_epoch": "rollback-requeue", "cancel_version": "cancel", "cancel_ledger": "rollback-cancel",
    "cancel_epoch": "rollback-cancel", "requeue_version": "requeue", "requeue_floor": "rollback-refail",
    "effects_key": "effects", "terminal_not_in_flight": "rollback-cancel", "outbox_version": "rollback-cancel",
    "epoch_entry": "flush", "outbox": "enqueue", "token_epoch": "flush", "issued_bound": "tombstones",
    "tombstones": "enqueue", "outdated": "rollback-flush", "cursor_cas": "mirrors", "sticky": "rollback",
    "barrier": "reconcile", "outbox_excuse": "enqueue", "repair_cas": "reconcile", "push_supersedes": "rollback-requeue",
}


def deepen(bounds):
    """Larger bounds: two workers, one more of everything that happens at all, and a lease that runs out."""
    more = dict(bounds, workers=2, expire=min(2, bounds.get("expire", 0) + 1))
    for name in ("crash", "lost", "retry", "release", "fail", "cancel", "scan", "flush", "snap"):
        if bounds.get(name):
            more[name] = min(2, bounds[name] + 1)
    return more


def run(names, deep, limit, seconds, quiet=False):
    """Checks the scenarios; -> {name: Result}."""
    results, total = {}, time.process_time() + seconds
    for i, name in enumerate(names):
        bounds = SCENARIOS[name][0]
        if deep:
            bounds = deepen(bounds)
        now = time.process_time()
        share = min(total - now, (total - now) / (len(names) - i) * 2) if deep else total - now
        r = results[name] = check(bounds, limit, now + max(1.0, share))
        if not quiet:
            how = "stopped" if r.bad else "complete" if r.live else "finished" if r.complete else "cut"
            print("%-17s %9d states  depth %2d  %-8s %5.1f s  at rest %6d  excused reruns in %5d  %s" % (
                name, r.states, r.depth, how, r.seconds, r.rests, r.reruns,
                r.bad + " BROKEN" if r.bad else "ok"), flush=True)
    return results


def show(name, r):
    print("\n%s broken in scenario %s (%s), %d steps:\n  %s" % (
        r.bad, name, INVARIANTS[r.bad], len(r.trace), "\n  ".join("%2d %s" % x for x in enumerate(r.trace, 1))))


def covers(invariant, name):
    bounds = SCENARIOS[name][0]
    return bounds.get("effects", False) if invariant == "I9" else bounds.get("ops", 0) > 0 if invariant == "I7" else \
        bounds.get("cancel", 0) > 0 if invariant == "I4" else True


def main():
    global F
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--deep", action="store_true")
    a.add_argument("--list", action="store_true")
    a.add_argument("--teeth", action="store_true")
    a.add_argument("--off", action="append", default=[], choices=sorted(RULES), metavar="RULE")
    a.add_argument("--only", action="append", default=[], choices=sorted(SCENARIOS), metavar="NAME")
    a.add_argument("--max", type=int, metavar="N")
    a = a.parse_args()
    if a.list:
        for title, table in (("scenarios", {k: v[1] for k, v in SCENARIOS.items()}), ("mends", MENDS),
                             ("rules of the design", OWN), ("readings", READINGS), ("invariants", INVARIANTS)):
            print(title + "\n" + "\n".join("  %-23s %s" % x for x in table.items()))
        return 0
    if a.teeth:
        blunt = 0
        for rule, name in WITNESS.items():
            F = Rules([rule])
            r = run([name], False, a.max or 1000000, 120, quiet=True)[name]
            blunt += not r.bad and rule not in READINGS
            print("without %-23s %s" % (rule, "%s broken in %s, %d steps" % (r.bad, name, len(r.trace)) if r.bad else
                                        "all hold in " + name), flush=True)
        return 1 if blunt else 0
    F = Rules(a.off)
    names = a.only or ([WITNESS[a.off[0]]] if len(a.off) == 1 else list(SCENARIOS))
    results = run(names, a.deep, a.max or (4000000 if a.deep else 1000000), 600 if a.deep else 58)
    print("\n%d states" % sum(r.states for r in results.values()))
    for invariant, text in INVARIANTS.items():
        where = [n for n in names if results[n].bad == invariant]
        seen = sum(results[n].states for n in names if covers(invariant, n))
        print("%s %-6s %9d states  %s" % (invariant, "BROKEN" if where else "holds" if seen else "-", seen, text))
    for name, r in results.items():
        if r.bad:
            show(name, r)
    return 1 if any(r.bad for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
