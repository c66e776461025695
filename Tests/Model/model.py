#!/usr/bin/env python3
"""The job protocol of Sources/Tallystick/Tallystick.docc/Protocol.md in executable form: an explicit-state model checker.

    python3 model.py                     bounded check, under a minute; verdict per invariant
    python3 model.py --deep              larger bounds, about ten minutes on one core
    python3 model.py --list              the scenarios, the rules and the invariants
    python3 model.py --off RULE          the shortest counterexample without RULE (may be repeated)
    python3 model.py --teeth             each rule switched off in turn: does an invariant break?
    python3 model.py --only NAME         one scenario;   --max N caps the states of each scenario

`rules.py` has the switches, `state.py` what there is, `protocol.py` what Redis, mirror and reconciler do, `steps.py` who may
do it when; this file the invariants, the scenarios and the search.

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

sys.dont_write_bytecode = True                            # a run leaves nothing in the tree; so before what follows

from rules import F, INVARIANTS, MENDS, OWN, READINGS, RULES, TERMINAL
from state import start
from protocol import view
from steps import steps

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
            F.switch_off([rule])
            r = run([name], False, a.max or 1000000, 120, quiet=True)[name]
            blunt += not r.bad and rule not in READINGS
            print("without %-23s %s" % (rule, "%s broken in %s, %d steps" % (r.bad, name, len(r.trace)) if r.bad else
                                        "all hold in " + name), flush=True)
        return 1 if blunt else 0
    F.switch_off(a.off)
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
