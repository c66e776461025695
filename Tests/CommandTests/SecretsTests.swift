import Foundation
import Glibc
import TallyServers
import TestSupport
import Testing

/// Words of a process are for every user of the machine to read, and logs are kept where nobody thinks of them.
@Suite(.serialized) struct `Passwords of private servers` {
    /// The words of every process that can be read now.
    private func commandLines() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int32($0) != nil }.compactMap {
            // gone meanwhile: it has no words
            FileManager.default.contents(atPath: "/proc/\($0)/cmdline").map {
                String(decoding: $0, as: UTF8.self).replacing("\0", with: " ")
            }
        }
    }

    private func environment(_ pid: Int32) throws -> String {
        let path = "/proc/\(pid)/environ"
        return String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    }

    /// What is written below a folder, but for the files that hold a password by design.
    private func texts(_ folder: String) -> [(path: String, text: String)] {
        let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return paths.filter { $0.hasSuffix("log") || $0.hasSuffix(".opts") || $0.hasSuffix(".pid") }.map {
            path in
            // a folder of that name: no text
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(path)") ?? Data()
            return (path, String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `stand in no word of a process, in no environment of theirs, in no log and on no screen`()
        async throws
    {
        let folder = "/var/tmp/tally-secrets-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let dev = try Tool.Running(["dev", "--folder", folder], environment: [:])
        func end() async throws -> Tool.Outcome {
            dev.signal(SIGTERM)
            return try await dev.outcome()
        }
        func remove() async throws {
            _ = try await Tool.run(["dev", "servers", "remove", "--folder", folder])
        }
        do {
            var met: [String] = []
            // From the first program on that makes the servers, until they serve.
            try await eventually("it serves", within: .seconds(60)) {
                let state = try? PrivateServers.open(folder)?.state  // half written: there is none yet
                let secrets = state.map { [$0.redisPassword, $0.postgresPassword] } ?? []
                met += try commandLines().filter { words in secrets.contains { words.contains($0) } }
                return dev.errors.contains("Ctrl-C stops everything")
            }
            let servers = try #require(try PrivateServers.open(folder))
            let secrets = [servers.state.redisPassword, servers.state.postgresPassword]
            for pid in [servers.redisPid, servers.postgresPid] {
                let variables = try environment(try #require(pid))
                #expect(!secrets.contains { variables.contains($0) })
            }
            let status = try await Tool.run(["dev", "servers", "status", "--folder", folder])
            let outcome = try await end()

            #expect(met == [] && secrets.allSatisfy { $0.count > 10 })
            #expect(outcome.code == 0, "\(outcome.errors)")
            for text in [status.output, status.errors, outcome.output, outcome.errors] {
                #expect(!secrets.contains { text.contains($0) }, "\(text)")
            }
            let files = texts(folder) + texts(servers.state.postgresFolder)
            #expect(files.count >= 2)
            for (path, text) in files { #expect(!secrets.contains { text.contains($0) }, "\(path)") }
            for name in ["state.json", "redis/redis.conf"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
            }
        } catch {
            _ = try await end()
            try await remove()
            throw error
        }
        try await remove()
    }
}
