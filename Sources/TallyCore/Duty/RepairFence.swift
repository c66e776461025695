/// The lease to repair under which the current task works: what it changes in ledger and queue carries it along.
public enum RepairFence {
    /// nil: it works under none.
    @TaskLocal public static var token: JobID?
}
