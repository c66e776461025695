/// A queue that can be looked into and put right: what the reconciler and the conformance kit need.
package struct InspectedQueue: QueueDriver {
    /// All seams of the queue.
    package let store: QueueStore
    /// What looks into it.
    package let inspection: any QueueInspection
    /// What puts it right.
    package let repair: any QueueRepairing

    /// - Throws: `.unsupported` where the driver lacks one of the two.
    package init(_ queue: any QueueDriver, for operation: String) throws(QueueError) {
        store = queue.store
        guard let inspection = store.inspection, let repair = store.repair else {
            throw QueueError(
                .unsupported, operation, "this queue driver can not both be inspected and repaired")
        }
        self.inspection = inspection
        self.repair = repair
    }

    /// Which of the shards it is.
    package var part: ShardPart { store.part }
    /// What puts jobs in.
    package var enqueueing: any Enqueueing { store.enqueueing }
    /// What workers use.
    package var leasing: any Leasing { store.leasing }
    /// Its log.
    package var transitions: any TransitionLog { store.transitions }
    /// What moves jobs that no worker holds.
    package var control: any QueueControl { store.control }
    /// What keeps out a reconciler whose lease is over, where the queue has it.
    package var fencing: (any QueueFencing)? { store.fencing }
    /// What reads and mends its structures, where it has several.
    package var structures: (any QueueStructures)? { store.structures }
}
