import Foundation
import Glibc
import TallyServers
import TestSupport
import Testing

/// Private servers in folders of the tests' own.
@Suite(.serialized) struct `The servers of a folder` {
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = "/var/tmp/tally-folder-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        func remove() async throws {
            _ = try await Tool.run(["dev", "servers", "remove", "--folder", folder])
            try? FileManager.default.removeItem(atPath: folder)  // where none was started its lock is left
        }
        do { try await body(folder) } catch {
            try await remove()
            throw error
        }
        try await remove()
    }

    @Test func `are started once by two calls at once, which print the same lines`() async throws {
        try await withFolder { folder in
            let words = ["dev", "servers", "start", "--folder", folder]
            async let one = Tool.run(words)
            async let two = Tool.run(words)
            async let three = Tool.run(words)
            let outcomes = try await [one, two, three]

            #expect(outcomes.allSatisfy { $0.code == 0 && $0.output == outcomes[0].output }, "\(outcomes)")
            #expect(outcomes[0].lines.count == 2 && !outcomes[0].output.contains(":0/"))
        }
    }

    @Test func `are waited for by a call that SIGTERM ends`() async throws {
        try await withFolder { folder in
            let lock = try await FolderLock.take(folder) { _ in }
            let call = try Tool.Running(["dev", "servers", "start", "--folder", folder], environment: [:])
            try await eventually("it waits") { call.errors.contains("waiting") }

            call.signal(SIGTERM)
            let outcome = try await call.outcome()
            lock.release()

            #expect(outcome.code == 130 && outcome.output.isEmpty)
        }
    }

    @Test func `end with a start that SIGTERM ends, and nothing is left running`() async throws {
        try await withFolder { folder in
            let call = try Tool.Running(["dev", "servers", "start", "--folder", folder], environment: [:])
            try await eventually("it starts Redis") { call.errors.contains("starting a private Redis") }

            call.signal(SIGTERM)
            let outcome = try await call.outcome()
            let status = try await Tool.run(["dev", "servers", "status", "--folder", folder, "--json"])

            #expect(outcome.code == 130)
            #expect(
                status.code == 1 && status.output == "{\"postgres\":null,\"redis\":null}\n",
                "\(status.output)")
        }
    }

    @Test func `are never made where the folder cannot be, or is another's, and the message says why`()
        async throws
    {
        try await withFolder { folder in
            try FolderLock.make(folder)
            try "mine".write(toFile: folder + "/file", atomically: true, encoding: .utf8)

            let inFile = try await Tool.run(["dev", "servers", "start", "--folder", folder + "/file/x"])
            let atFile = try await Tool.run(["dev", "servers", "start", "--folder", folder + "/file"])
            let foreign = try await Tool.run(["dev", "servers", "start", "--folder", folder])
            let remove = try await Tool.run(["dev", "servers", "remove", "--folder", folder])
            let stop = try await Tool.run(["dev", "servers", "stop", "--folder", folder + "/none", "--json"])

            #expect(inFile.code == 1 && inFile.errors.contains("cannot make the folder"), "\(inFile.errors)")
            #expect(atFile.code == 1 && atFile.errors.contains("is no folder"), "\(atFile.errors)")
            #expect(foreign.code == 1 && foreign.errors.contains("holds other files, such as file"))
            #expect(remove.code == 0 && remove.errors.contains("nothing to do"))
            #expect(stop.code == 0 && stop.output == "{\"stopped\":false}\n")
            #expect(access(folder + "/none", F_OK) != 0 && access(folder + "/file", F_OK) == 0)
            for outcome in [inFile, atFile, foreign] { #expect(!outcome.errors.contains("NSCocoa")) }
            unlink(folder + "/file")
            #expect(rmdir(folder) == 0, "nothing else stands there")
        }
    }
}
