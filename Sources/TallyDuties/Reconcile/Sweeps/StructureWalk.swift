import TallyCore

/// What a walk through the queue's structures met of each job, in a few bytes. Pure.
struct StructureWalk: Sendable {
    struct Places: Sendable {
        var version: UInt32
        /// Once each for lists, due times and leases; more than once is in `isTwice`.
        var kinds: Set<Kind> = []
        var isTwice = false
        /// Of a lease, the epoch.
        var epoch: Int64?
    }
    enum Kind: UInt8, Sendable { case ready, due, lease }

    private(set) var jobs: [JobID: Places] = [:]

    mutating func meet(_ place: QueuePlace, _ kind: Kind) {
        let version = UInt32(clamping: place.version)
        var places = jobs[place.id] ?? Places(version: version)
        if version < places.version { return }  // outdated: dropped when it is popped
        if version > places.version { places = Places(version: version) }
        if !places.kinds.insert(kind).inserted { places.isTwice = true }
        if place.epoch != nil { places.epoch = place.epoch }
        jobs[place.id] = places
    }

    /// Whether a job at this status and version was met just where it belongs.
    func fits(_ id: JobID, _ status: JobStatus, _ version: Int) -> Bool {
        guard let places = jobs[id], places.version == UInt32(clamping: version), !places.isTwice else {
            return false
        }
        return places.kinds == [Self.kind(status)]
    }

    static func kind(_ status: JobStatus) -> Kind {
        switch status {
        case .processing: .lease
        case .scheduled, .retrying: .due
        default: .ready
        }
    }

    func place(_ id: JobID, _ version: Int) -> QueuePlace {
        QueuePlace(id: id, version: version, epoch: jobs[id]?.epoch)
    }
}
