extension ShardedQueue {
    /// A job that is held, with its body; nil where no shard holds it.
    ///
    /// - Parameter queue: where it is known: then only its shard is asked.
    /// - Throws: where a shard that may hold it cannot be asked, and none that can be asked holds it.
    public func held(_ id: JobID, in queue: QueueName? = nil) async throws(QueueError) -> JobSnapshot? {
        var failure: QueueError?
        for store in queue.map({ [shard(of: $0)] }) ?? shards {
            do throws(QueueError) {
                if let job = try await store.inspectable().inspect([id]).held[id] { return job }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return nil
    }

    /// What each shard has of a job, with its body, or remembers of its end, all of them asked at once: an id of mode
    /// queued may be a job on several.
    package func look(for id: JobID) async -> [(shard: Shard, answer: Result<QueueView, QueueError>)] {
        await shards.askedAtOnce { store in
            let answer = await Result.of { () throws(QueueError) in
                try await store.inspectable().inspect([id])
            }
            return (store.part.shard, answer)
        }
    }

    /// Counts by queue, of all shards.
    public func counts() async throws(QueueError) -> [QueueCounts] {
        var all: [QueueCounts] = []
        for store in shards { all += try await store.inspectable().counts() }
        return all.sorted { $0.queue < $1.queue }
    }

    /// A paused queue hands out no leases; everything else goes on.
    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await shard(of: queue).control.pause(queue, paused)
    }

    /// The jobs of a paused type are leased on no shard.
    ///
    /// - Throws: where a shard cannot be asked: those before it have done it, and the call may be repeated.
    ///   `.unsupported` where a shard's driver lacks it.
    public func pauseType(_ type: JobType, _ paused: Bool) async throws(QueueError) {
        for store in shards { try await store.typed().pauseType(type, paused) }
    }

    /// The types that are paused on any shard, by name; none where no driver knows such.
    public func pausedTypes() async throws(QueueError) -> [JobType] {
        var all: Set<JobType> = []
        for store in shards { all.formUnion(try await store.types?.pausedTypes() ?? []) }
        return all.sorted { $0.text < $1.text }
    }
}

extension QueueStore {
    fileprivate func typed() throws(QueueError) -> any TypeControl {
        guard let types else {
            throw QueueError(.unsupported, "types", "this queue driver pauses whole queues only")
        }
        return types
    }
}
