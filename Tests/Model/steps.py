"""What may happen next, whoever does it."""
from rules import DROP, F, TERMINAL
from state import Redis
from protocol import (
    call, cancel, outranks, promote, push, reclaim, repair, reserve, settle, stamp, verdict, view, wants_scan,
    without)


def steps(s, effects):
    """Yields (label, next state, duty). A duty is a step somebody will surely take; a state without one is at rest."""
    yield from client(s)
    yield from relay(s)
    yield from workers(s, effects)
    yield from leases(s)
    yield from cancelling(s)
    yield from operators(s)
    yield from mirrors(s)
    yield from reconciler(s)
    yield from losses(s)


def client(s):
    """T1 commit, T2 push, T3 delete. It may stop anywhere, so none is a duty."""
    pg = s.pg
    here = stamp(s)
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


def relay(s):
    """Claim and read, push, delete and commit; a crash gives the row lock back."""
    pg = s.pg
    here = stamp(s)
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


def workers(s, effects):
    """Reserve, then what a holder does."""
    for i, w in enumerate(s.workers):
        if w is not None:
            yield from holder(s, i, effects)
        elif s.workers.index(None) == i:                  # of those that hold nothing one stands for all
            yield from reserving(s, i)


def with_worker(s, i, worker):
    """Workers are interchangeable: in order, so that states that differ by their places are one."""
    ws = s.workers[:i] + (worker,) + s.workers[i + 1:]
    return s._replace(workers=tuple(sorted(ws, key=lambda y: y or ())))


def reserving(s, i):
    """Each element may be the next; the reply may be lost."""
    for element in sorted(set(s.rd.ready)):
        n, lease = reserve(s, element)
        if n == s:
            continue
        if lease is None:
            yield "worker: reserve, element v%d dropped or held back" % element, n, True
            continue
        yield "worker %d: reserve -> lease v%d epoch %d" % (lease[2], lease[0], lease[1]), with_worker(
            n, i, lease[:3] + ("run",)), True
        if s.left.lost:
            yield "worker: reserve -> lease v%d, reply lost" % lease[0], n._replace(
                left=s.left._replace(lost=s.left.lost - 1)), False


def holder(s, i, effects):
    """Sees and commits the effect where there is one, and settles; it may crash at any time."""
    w, pg, left = s.workers[i], s.pg, s.left
    name = "worker %d (v%d)" % (w[2], w[0])
    if left.crash:
        yield name + " crashes", with_worker(
            s._replace(left=left._replace(crash=left.crash - 1)), i, None), False
    if effects and w[3] == "run":
        yield name + (": sees the effect of another" if pg.effect else ": sees no effect"), with_worker(
            s, i, w[:3] + ("done" if pg.effect else "clear",)), True
        return
    if effects and w[3] == "clear":
        clash = pg.effect if F.effects_key else tuple(x for x in pg.effect if x == w[2])
        n = s if clash else s._replace(pg=pg._replace(effect=pg.effect + (w[2],)))
        if len(n.pg.effect) > 1:
            n = n._replace(memory=s.memory._replace(bad="I9"))
        yield name + (": effect refused, already there" if clash else ": commits its effect"), with_worker(
            n, i, w[:3] + ("done",)), True
        return
    for verb in ("ack", "fail", "retry", "release"):
        if verb != "ack" and not getattr(left, verb):
            continue
        n, accepted = settle(s, w, verb)
        if not accepted and verb != "ack":
            continue
        if verb != "ack":
            n = n._replace(left=n.left._replace(**{verb: getattr(left, verb) - 1}))
        yield "%s: %s -> %s" % (name, verb, "accepted" if accepted else "refused"), with_worker(n, i, None), True
        if accepted:
            yield "%s: %s -> accepted, reply lost" % (name, verb), n, False


def leases(s):
    """Leases and time; promote and reclaim ride on anybody's calls."""
    rd, left = s.rd, s.left
    for lease in rd.leases:
        if lease[3]:
            yield "reclaim of lease v%d" % lease[0], reclaim(s, lease), True
            continue
        unheld = all(w is None or w[2] != lease[2] for w in s.workers)
        if unheld or left.expire:
            gone = lease[:3] + (True,)
            n = s._replace(rd=rd._replace(leases=tuple(gone if x == lease else x for x in rd.leases)))
            if not unheld:
                n = n._replace(left=left._replace(expire=left.expire - 1))
            yield "lease v%d epoch %d expires%s" % (lease[0], lease[1], "" if unheld else " under a live worker"), n, unheld
    if rd.due and rd.detour:
        yield "promote v%d" % rd.due[0], promote(s), True
    if left.tick:
        yield "30 s pass", s._replace(now=s.now + 1, left=left._replace(tick=left.tick - 1)), False
    t = rd.tombstone
    if t and left.tick != -1:
        since = t[5] if F.tombstone_mirrored else t[4]
        if t[5] is not None and s.now - since >= DROP and s.now - t[4] >= DROP:
            yield "tombstone (%s v%d) is dropped" % t[:2], s._replace(rd=rd._replace(tombstone=None)), False


def cancelling(s):
    """Cancel, by a client that may stop anywhere."""
    pg, g, left = s.pg, s.memory, s.left
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


def with_op(s, i, op):
    return s._replace(ops=s.ops[:i] + (op,) + s.ops[i + 1:])


def operators(s):
    """Look, then requeue."""
    pg, g = s.pg, s.memory
    for i, o in enumerate(s.ops):
        if o is None and pg.row and pg.row[0] == "failed":
            yield "operator %d sees failed v%d" % (i + 1, pg.row[1]), with_op(s, i, pg.row[1]), False
        elif isinstance(o, int):
            row = pg.row
            if row[0] == "failed" and (row[1] == o or not F.requeue_version):
                v = row[1] + 1
                n = s._replace(pg=pg._replace(row=("pending", v) + row[2:], outbox=tuple(sorted(pg.outbox + (v,))),
                                           floor=v))
                n = n._replace(memory=g._replace(requeued=v, seen=tuple(sorted(g.seen + (o,))),
                                                bad="I7" if o in g.seen else g.bad))
                yield "operator %d requeues: pending v%d and an outbox row" % (i + 1, v), with_op(n, i, "end"), False
            else:
                yield "operator %d: requeue misses" % (i + 1), with_op(s, i, "end"), False


def with_mirror(s, i, mirror):
    return s._replace(mirrors=s.mirrors[:i] + (mirror,) + s.mirrors[i + 1:])


def mirrors(s):
    """Read the log, commit it, report how far."""
    rd, pg = s.rd, s.pg
    for i, m in enumerate(s.mirrors):
        if m is None:
            batch = tuple(x for x in rd.log if x[:2] > pg.cursor)
            if batch:
                yield "mirror: reads the log to %d-%d" % batch[-1][:2], with_mirror(s, i, ("commit", pg.cursor, batch)), True
            continue
        if m[0] == "commit":
            n = s
            if m[1] == pg.cursor or not F.cursor_cas:
                row, memory = pg.row, s.memory
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
                yield "mirror: commits to %d-%d" % m[2][-1][:2], with_mirror(n, i, ("report", m[2][-1][:2])), True
            else:
                yield "mirror: cursor has moved, rolls back", with_mirror(s, i, None), True
        else:
            n = call(s)
            r = n.rd._replace(log=tuple(x for x in n.rd.log if x[:2] > m[1]))
            if r.tombstone and r.tombstone[5] is None and r.tombstone[2:4] <= m[1]:
                r = r._replace(tombstone=r.tombstone[:5] + (n.now,))
            yield "mirror: reports and trims to %d-%d" % m[1], with_mirror(n._replace(rd=r), i, None), True
        yield "mirror: crashes", with_mirror(s, i, None), False


def reconciler(s):
    """Read Redis, wait for the mirror, read the ledger, repair."""
    rd, pg, g, left = s.rd, s.pg, s.memory, s.left
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


def losses(s):
    """Redis loses data."""
    rd, g, left = s.rd, s.memory, s.left
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
