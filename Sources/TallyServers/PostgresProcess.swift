import Foundation
import Glibc
import TallyCore

/// A private Postgres server as a process.
package enum PostgresProcess {
    /// Makes a cluster where there is none, starts it and waits until it answers. Answers its port.
    ///
    /// - Parameter options: settings such as `checkpoint_timeout=30s`, which win over those below.
    package static func start(
        folder: String, password: String, _ tools: ServerTools, preferred: Int, options: [String] = []
    ) throws -> Int {
        let data = "\(folder)/data"
        let files = FileManager.default
        try FolderLock.make(folder)
        try giveAway(folder)
        if !files.fileExists(atPath: "\(data)/PG_VERSION") {
            try? files.removeItem(atPath: data)  // of a start that was cut off
            let secret = "\(folder)/password"
            guard
                files.createFile(
                    atPath: secret, contents: Data((password + "\n").utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw ServerProblem("cannot write \(secret)") }
            try giveAway(secret)
            // A server that does not wait for the disk need not be made by one that does.
            let haste = options.contains("fsync=off") ? ["--no-sync"] : []
            try runAsOwner(
                [
                    "\(tools.postgresBin)/initdb", "-D", data, "-U", "tally", "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--auth=scram-sha-256", "--pwfile=\(secret)", "--no-instructions",
                ] + haste, folder)
            try? files.removeItem(atPath: secret)  // it is in the cluster now
        }
        var last = ""
        for attempt in 0..<Limits.serverTries {
            try Task.checkCancellation()
            // Clients know the port of a server that was there before: it is given up last.
            let isOwn = attempt < Limits.serverOwnTries && preferred != 0
            let port = isOwn ? preferred : try ServerTools.freePort()
            let words = [
                "-p \(port)", "-c listen_addresses=127.0.0.1", "-c unix_socket_directories=''",
                "-c max_connections=200", "-c shared_buffers=512MB", "-c max_wal_size=4GB",
            ]
            let settings = (words + options.map { "-c \($0)" }).joined(separator: " ")
            do {
                try runAsOwner(
                    [
                        "\(tools.postgresBin)/pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l",
                        "\(folder)/log", "-o",
                        settings,
                    ], folder)
                return port
            } catch let error where !(error is CancellationError) {
                // The port is taken, or the backends of a killed postmaster still hold its memory.
                usleep(UInt32(Limits.serverAgain.microseconds))
                // no log yet
                last = "\(error)\n" + ((try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "")
            }
        }
        throw ServerProblem("the private Postgres does not start:\n\(last.suffix(Limits.logCharacters))")
    }

    /// Postgres refuses root: then it runs as the user `postgres`, who must own its folder.
    private static func giveAway(_ path: String) throws {
        guard geteuid() == 0 else { return }
        guard let user = getpwnam("postgres") else {
            throw ServerProblem(
                "as root, Postgres needs the user `postgres`, which the package postgresql makes; or use an "
                    + "ordinary user")
        }
        if chown(path, user.pointee.pw_uid, user.pointee.pw_gid) != 0 {
            throw ServerProblem(
                "cannot give \(path) to the user postgres: \(String(cString: strerror(errno)))")
        }
    }

    private static func runAsOwner(_ words: [String], _ folder: String) throws {
        if geteuid() != 0 {
            try ServerTools.run(words, folder: folder)
        } else {
            guard let runuser = ServerTools.find("runuser") else {
                throw ServerProblem("runuser is not installed")
            }
            try ServerTools.run([runuser, "-u", "postgres", "--"] + words, folder: folder)
        }
    }
}
