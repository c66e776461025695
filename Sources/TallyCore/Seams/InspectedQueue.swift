/// A queue that can be looked into and put right: what the reconciler and the conformance kit need.
package struct InspectedQueue: QueueDriver {
    package let store: QueueStore
    package let inspection: any QueueInspection
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

    package var enqueueing: any Enqueueing { store.enqueueing }
    package var leasing: any Leasing { store.leasing }
    package var transitions: any TransitionLog { store.transitions }
    package var control: any QueueControl { store.control }
    package var fencing: (any QueueFencing)? { store.fencing }
    package var structures: (any QueueStructures)? { store.structures }
}
