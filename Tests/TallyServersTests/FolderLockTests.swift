import Foundation
import Glibc
import TallyServers
import Testing

@Suite struct `The lock of a folder` {
    private let top = NSTemporaryDirectory() + "/tally-lock-\(UInt64.random(in: 0 ... .max))"
    private var folder: String { top + "/a/b" }

    private func remove() {
        try? FileManager.default.removeItem(atPath: top)  // best effort: a temporary folder
    }

    @Test func `makes each missing part of the path, for its user alone`() async throws {
        defer { remove() }
        let lock = try await FolderLock.take(folder) { _ in }
        lock.release()

        for part in [top, top + "/a", folder] {
            var status = stat()
            let answer = stat(part, &status)
            #expect(answer == 0 && status.st_mode & 0o777 == 0o700, "\(part)")
        }
    }

    @Test func `is had by one at a time: the next is told, and has it once the first is gone`() async throws {
        defer { remove() }
        var first: FolderLock? = try await FolderLock.take(folder) { _ in }
        let (words, teller) = AsyncStream.makeStream(of: String.self)
        let folder = self.folder
        let second = Task { try await FolderLock.take(folder) { teller.yield($0) } }
        var heard = words.makeAsyncIterator()
        let word = await heard.next()
        first?.release()
        first = nil

        let lock = try await second.value
        lock.release()
        #expect(word == "another call works on \(folder); waiting for it")
    }

    @Test func `is waited for no longer than until the task that asks for it is cancelled`() async throws {
        defer { remove() }
        let first = try await FolderLock.take(folder) { _ in }
        let (words, teller) = AsyncStream.makeStream(of: String.self)
        let folder = self.folder
        let second = Task { try await FolderLock.take(folder) { teller.yield($0) } }
        var heard = words.makeAsyncIterator()
        _ = await heard.next()
        second.cancel()

        await #expect(throws: CancellationError.self) { _ = try await second.value }
        first.release()
    }

    @Test func `is refused where a file stands in the way, with its path`() throws {
        defer { remove() }
        try FolderLock.make(top)
        try Data().write(to: URL(fileURLWithPath: top + "/a"))

        let error = #expect(throws: ServerProblem.self) { try FolderLock.make(folder) }
        let own = #expect(throws: ServerProblem.self) { try FolderLock.make(top + "/a") }

        #expect(error?.description.hasPrefix("cannot make the folder ") == true)
        #expect(own?.description == top + "/a is no folder")
    }
}
