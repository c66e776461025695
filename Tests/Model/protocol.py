"""What a function of Redis, the mirror's row guard and the reconciler do, each a function from state to state."""
from rules import BOUND, F, MAX_CRASHES, TERMINAL

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
