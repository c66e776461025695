import Foundation
import TallyPostgres

extension PrivateServers {
    /// Started and migrated, by one call at a time. Servers that this call started do not outlive its failure or its
    /// cancellation.
    package static func startMigrated(
        _ folder: String, tuning: Tuning = Tuning(), say: (String) -> Void
    ) async throws -> PrivateServers {
        let path = absolute(folder)
        // Before the lock, which is a file there: what is refused makes nothing.
        _ = try ServerTools.find()
        if try PrivateServers.open(path) == nil { try refuseForeign(path, isLocked: false) }
        let lock = try await FolderLock.take(path, say: say)
        defer { lock.release() }
        // Another call may have been at work.
        let before = try PrivateServers.open(path)
        if before == nil { try refuseForeign(path, isLocked: true) }
        do {
            let servers = try PrivateServers.start(path, tuning: tuning, say: say)
            try Task.checkCancellation()
            _ = try await Migrator(PostgresConfiguration(url: servers.postgresURL)).apply()
            try Task.checkCancellation()
            return servers
        } catch {
            if before?.redisPid == nil, before?.postgresPid == nil { try PrivateServers.open(path)?.stop() }
            throw error
        }
    }

    /// The folder from the root on: the servers' own files name it, and they do not share this program's working
    /// folder.
    package static func absolute(_ folder: String) -> String {
        URL(fileURLWithPath: folder).standardizedFileURL.path
    }

    /// `remove` deletes the folder with all that is in it: nothing of another's may be there.
    ///
    /// - Parameter isLocked: whether this call has the lock. Before, a folder that has one is another call's to fill:
    ///   what is there is judged once that call has ended.
    private static func refuseForeign(_ folder: String, isLocked: Bool) throws {
        // unreadable: the start says so
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        if !isLocked, names.contains("lock") { return }
        if let other = names.sorted().first(where: { $0 != "lock" && $0 != "redis" }) {
            throw ServerProblem(
                "\(folder) holds other files, such as \(other): give a folder that is new or empty")
        }
    }
}
