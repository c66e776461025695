"""The rules of the protocol, each of which can be switched off, and the invariants that they keep."""

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
    """The switches, read as attributes. There is one, which every module imports: `switch_off` changes it in place."""
    def __init__(self):
        self.switch_off(())

    def switch_off(self, off):
        """All others are on."""
        for name in RULES:
            setattr(self, name, name not in off)


F = Rules()
