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
}
