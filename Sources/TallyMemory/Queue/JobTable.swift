import TallyCore

/// The jobs that the queue holds, and how many of each queue wait for a worker or for their time.
struct JobTable: Sendable {
    private var jobs: [JobID: QueuedJob] = [:]
    private var waiting: [QueueName: Int] = [:]

    var values: Dictionary<JobID, QueuedJob>.Values { jobs.values }
    var keys: Dictionary<JobID, QueuedJob>.Keys { jobs.keys }

    subscript(id: JobID) -> QueuedJob? {
        get { jobs[id] }
        set {
            count(jobs[id], -1)
            count(newValue, 1)
            jobs[id] = newValue
        }
    }

    /// Pending, scheduled and retrying jobs: what the queue's window bounds.
    func waiting(in queue: QueueName) -> Int { waiting[queue] ?? 0 }

    mutating func removeValue(forKey id: JobID) -> QueuedJob? {
        let job = jobs[id]
        self[id] = nil
        return job
    }

    private mutating func count(_ job: QueuedJob?, _ by: Int) {
        guard let job, job.status != .processing else { return }
        let left = (waiting[job.record.queue] ?? 0) + by
        waiting[job.record.queue] = left == 0 ? nil : left
    }
}
