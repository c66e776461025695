import CFileWalk
import Foundation
import Glibc
import TallyServers
import Tallystick

/// The demo's main job: what kind of file is this? The result is a `FileKind`.
struct DemoFile: Job {
    static let jobType: JobType = "demo.file"
    static let policy = JobPolicy(queue: "demo")
    static let codec = JSONCodec()

    /// For people; the bytes where they are text.
    let path: String
    /// Only where the path is not UTF-8: a path is bytes to the system.
    let bytes: [UInt8]?

    init(_ raw: [UInt8]) {
        path = String(decoding: raw, as: UTF8.self)
        bytes = Array(path.utf8) == raw ? nil : raw
    }

    var rawPath: [UInt8] { bytes ?? Array(path.utf8) }

    func run(_ context: JobContext) async throws {
        try context.complete(with: await FileReaders.shared.kind(of: rawPath))
    }

    func record() throws -> JobRecord {
        JobRecord(type: Self.jobType, queue: Self.policy.queue, body: try Self.codec.encode(self))
    }

    /// Every regular file below a folder; links are not followed, the folder itself may be one.
    ///
    /// - Throws: `ServerProblem` when the folder cannot be read at all.
    static func all(below folder: String) throws -> (files: [DemoFile], unreadable: Int) {
        guard let root = realpath(folder, nil) else {
            throw ServerProblem("\(folder): \(String(cString: strerror(errno)))")
        }
        defer { free(root) }
        var roots: [UnsafeMutablePointer<CChar>?] = [root, nil]
        guard let walk = fts_open(&roots, FTS_PHYSICAL | FTS_NOCHDIR, nil) else {
            throw ServerProblem("\(folder): \(String(cString: strerror(errno)))")
        }
        defer { fts_close(walk) }  // and with it every entry, each good until the next is read
        var files: [DemoFile] = []
        var unreadable = 0
        while let entry = fts_read(walk) {
            try Task.checkCancellation()
            switch Int32(entry.pointee.fts_info) {
            case FTS_F:
                guard let path = entry.pointee.fts_path, access(path, R_OK) == 0 else {
                    unreadable += 1
                    continue
                }
                files.append(
                    DemoFile(
                        Array(
                            UnsafeBufferPointer(start: path, count: strlen(path)).map(UInt8.init(bitPattern:))
                        )))
            case FTS_DNR, FTS_ERR, FTS_NS: unreadable += 1
            default: continue
            }
        }
        return (files, unreadable)
    }
}

/// What the demo works out about a file.
struct FileKind: Codable, Sendable {
    var size: Int
    var lines: Int
    var sha256: String
    /// MIME.
    var type: String
}
