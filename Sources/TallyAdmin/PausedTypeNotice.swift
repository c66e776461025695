import Foundation
import TallyCore

/// What keeps a paused type from being held, or tells that another one was meant.
package struct PausedTypeNotice: Hashable, Sendable {
    /// Each worker, and each process with duties, whose program is older than that a type can be paused.
    package var older: [String] = []
    /// No job of it was recorded, and no worker has a handler for it.
    package var isUnknown = false

    /// What to do about older programs, behind what they do. The type is paused by then.
    package static let mend =
        "`tally resume --type` until they are upgraded, `tally serve` before the workers"
    /// What older programs do.
    package static let harm =
        "a worker runs its jobs all the same, a `tally serve` takes what is held for lost"

    /// Each process of an older program that runs, as the duties name it. Of several the one that reported last is
    /// seen: no store keeps a place for each.
    static func olderHolders(_ duties: [DutyStanding]) -> [String] {
        let holders = Set(duties.filter { $0.isHolderRunning && $0.isOfOlderProgram }.map(\.holder))
        return holders.sorted().map { "the duties of \($0.isEmpty ? "a process" : $0)" }
    }
}

extension DutyStanding {
    /// Whether the process that reported last is older than that its version stands behind its name, and so than that
    /// a type can be paused.
    var isOfOlderProgram: Bool { !(holder.hasSuffix(")") && holder.contains("(")) }
}

extension Admin {
    /// Which programs take no notice of a paused type, and whether anything is known of this one.
    ///
    /// - Parameter type: nil = it is not asked for.
    package func pausedTypeNotice(_ type: JobType?) async throws -> PausedTypeNotice {
        let beats = try await liveWorkers()
        var notice = PausedTypeNotice()
        notice.older = beats.filter { $0.vitals == nil }.map { "worker \(OlderPrograms.name($0))" }
        // Several shards have a ledger, which keeps it.
        let register = halfWithRecord?.duties ?? (queue.map.count == 1 ? queue.shards[0].duties : nil)
        notice.older += PausedTypeNotice.olderHolders(try await register?.duties() ?? [])
        // Without a record nobody knows the types of what waits.
        if let type, let halfWithRecord, !beats.contains(where: { $0.types.contains(type) }) {
            let jobs = try await halfWithRecord.inspection.list(JobQuery(type: type, limit: 1)).jobs
            notice.isUnknown = jobs.isEmpty
        }
        return notice
    }

    /// What each worker said last that has not ended, as far as anybody knows. The queue's word is the newest; the
    /// ledger's alone tells who fell silent.
    private func liveWorkers() async throws -> [WorkerBeat] {
        var beats: [WorkerID: WorkerBeat] = [:]
        var lost: Set<WorkerID> = []
        if halfWithRecord != nil {
            for (row, status) in try await workers().rows {
                switch status {
                case "running", "draining": beats[row.beat.id] = row.beat
                case "lost": lost.insert(row.beat.id)
                default: break
                }
            }
        }
        for store in queue.shards {
            guard let structures = store.structures else { continue }
            var cursor: String? = ""
            while let at = cursor {
                let (page, next) = try await structures.roster(at, limit: Limits.rosterRead)
                for (id, words) in page {
                    // What cannot be read is no worker's of any version.
                    let beat = try? JSONDecoder().decode(WorkerBeat.self, from: Data(words))
                    if let beat { beats[id] = beat }
                }
                cursor = next
            }
        }
        return beats.values.filter { !lost.contains($0.id) && $0.status != .stopped }
            .sorted { $0.id.text < $1.id.text }
    }
}
