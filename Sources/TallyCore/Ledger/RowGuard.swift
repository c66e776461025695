/// Whether a transition may change a row. The rule of `outranks` in the model, in one place for the fold and the
/// memory ledger; the SQL of the mirror says the same.
package struct RowGuard: Sendable {
    /// Where the row stands.
    package var status: JobStatus
    /// The epoch of its last log entry.
    package var epoch: Int64
    /// The version of its last step.
    package var version: Int
    /// The number of that entry.
    package var seq: Int64
    /// The version of the row's last requeue; nothing below it applies.
    package var floor: Int

    /// The guard of a row that stands so.
    package init(status: JobStatus, epoch: Int64, version: Int, seq: Int64, floor: Int) {
        self.status = status
        self.epoch = epoch
        self.version = version
        self.seq = seq
        self.floor = floor
    }

    /// A terminal row yields only to a higher version; any other to what is later by (epoch, version, seq).
    package func yields(toEpoch epoch: Int64, version: Int, seq: Int64) -> Bool {
        if version < floor { return false }
        if status.isTerminal { return version > self.version }
        return (epoch, version, seq) > (self.epoch, self.version, self.seq)
    }
}
