import CFileKinds
import Dispatch
import Glibc
import Synchronization
import Tallystick

/// Reads files on threads of their own: a long file on the cooperative pool would hold up heartbeats, and with them
/// the leases of every other job.
final class FileReaders: Sendable {
    static let shared = FileReaders(count: 2)

    private let readers: [(queue: DispatchQueue, reader: FileReader)]
    private let next = Atomic(0)

    init(count: Int) {
        readers = (0..<count).map { (DispatchQueue(label: "demo.files.\($0)"), FileReader()) }
    }

    func kind(of path: [UInt8]) async throws -> FileKind {
        let turn = next.wrappingAdd(1, ordering: .relaxed).newValue
        let (queue, reader) = readers[Int(UInt(bitPattern: turn) % UInt(readers.count))]
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try reader.kind(of: path) }) }
        }
    }
}

/// One reader with its own libmagic handle, which two threads must not share.
///
/// `@unchecked Sendable`: used only on the serial queue beside it in `FileReaders`.
private final class FileReader: @unchecked Sendable {
    /// Opened at the first file, closed with this reader; libmagic's texts live until its next call.
    private var magic: magic_t?
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    deinit { magic_close(magic) }

    /// - Throws: `JobError.final` where another attempt could find nothing else.
    func kind(of path: [UInt8]) throws -> FileKind {
        let file = try open(path)
        defer { close(file) }
        let digest = EVP_MD_CTX_new()  // of this file alone
        defer { EVP_MD_CTX_free(digest) }
        EVP_DigestInit_ex(digest, EVP_sha256(), nil)
        var kind = FileKind(size: 0, lines: 0, sha256: "", type: "")
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw ReadProblem(description: "cannot be read: \(String(cString: strerror(errno)))")
            }
            if kind.type.isEmpty { kind.type = try type(ofFirst: count) }
            if count == 0 { break }
            EVP_DigestUpdate(digest, buffer, count)
            kind.size += count
            kind.lines += newlines(count)
        }
        var sum = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        EVP_DigestFinal_ex(digest, &sum, nil)
        kind.sha256 = Self.hex(sum)
        return kind
    }

    private func open(_ path: [UInt8]) throws -> Int32 {
        let file = (path + [0]).withUnsafeBytes {
            Glibc.open(
                $0.baseAddress!.assumingMemoryBound(to: CChar.self),
                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
        if file < 0 {
            switch errno {
            case ENOENT, ENOTDIR: throw JobError.final("the file is gone: it was deleted after its enqueue")
            case ELOOP: throw JobError.final("a link stands where the file was")
            case EACCES, EPERM: throw JobError.final("this user may not read the file")
            case let code:
                throw ReadProblem(description: "cannot be opened: \(String(cString: strerror(code)))")
            }
        }
        var about = stat()
        if fstat(file, &about) == 0, about.st_mode & S_IFMT == S_IFREG { return file }
        close(file)
        throw JobError.final(
            about.st_mode & S_IFMT == S_IFDIR
                ? "a folder stands where the file was" : "it is no regular file any more")
    }

    private func type(ofFirst count: Int) throws -> String {
        if magic == nil {
            magic = magic_open(MAGIC_MIME_TYPE)
            if magic_load(magic, nil) != 0 {
                throw ReadProblem(description: "libmagic cannot load its database")
            }
        }
        guard let text = magic_buffer(magic, buffer, min(count, 64 << 10)) else {
            throw ReadProblem(
                description: "libmagic: \(magic_error(magic).map { String(cString: $0) } ?? "?")")
        }
        return String(cString: text)
    }

    private func newlines(_ count: Int) -> Int {
        buffer.withUnsafeBufferPointer { bytes in
            var lines = 0
            for index in 0..<count where bytes[index] == 0x0A { lines += 1 }
            return lines
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Another attempt may go better.
private struct ReadProblem: Error, CustomStringConvertible {
    let description: String
}
