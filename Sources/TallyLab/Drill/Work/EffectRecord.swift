import Glibc
import TallyCommandLine
import TallyCore
import TallyServers

/// What a worker process writes down outside both stores: 64 bytes an event, appended with one `write`.
///
/// Layout, little-endian: kind 1, answer 1, worker 2, pid 4, id 8 + 8, epoch 8, version 4, attempt 4, at 8, expiry 8,
/// zero 8. Times are µs since 1970 by the machine's clock, which is Redis' clock too: all run on one machine.
struct EffectRecord: Hashable, Sendable {
    enum Kind: UInt8, Sendable {
        /// A run begins; `expiry` is its lease's first.
        case start = 0x73
        /// Its handler did what it had to do, before any acknowledgement.
        case end = 0x65
        /// Its handler ended by throwing: nothing was done.
        case thrown = 0x74
        /// The queue answered an acknowledgement sent at `at`.
        case ack = 0x61
        /// The lease was extended to `expiry`.
        case extend = 0x78
        /// The fenced register took the write, or refused it.
        case written = 0x77
        case refused = 0x72
    }
    enum Answer: UInt8, Sendable { case none, settled, repeated, refused }
    static let size = 64

    var kind: Kind
    var answer = Answer.none
    var worker: UInt16 = 0
    var pid: Int32 = 0
    var id: JobID
    var epoch: Int64
    var version: Int
    var attempt = 0
    var at: Int64
    var expiry: Int64 = 0

    func write(to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue)
        bytes.append(answer.rawValue)
        func put(_ value: some FixedWidthInteger, _ bytes: inout [UInt8]) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        put(worker, &bytes)
        put(pid, &bytes)
        put(id.high, &bytes)
        put(id.low, &bytes)
        put(epoch, &bytes)
        put(UInt32(clamping: version), &bytes)
        put(UInt32(clamping: attempt), &bytes)
        put(at, &bytes)
        put(expiry, &bytes)
        put(Int64(0), &bytes)
    }

    /// nil for bytes that are no record.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size, let kind = Kind(rawValue: bytes[0]),
            let answer = Answer(rawValue: bytes[1])
        else { return nil }
        func take<Value: FixedWidthInteger>(_ at: Int, _: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Value.self))
        }
        self.kind = kind
        self.answer = answer
        worker = take(2, UInt16.self)
        pid = take(4, Int32.self)
        id = JobID(high: take(8, UInt64.self), low: take(16, UInt64.self))
        epoch = take(24, Int64.self)
        version = Int(take(32, UInt32.self))
        attempt = Int(take(36, UInt32.self))
        at = take(40, Int64.self)
        expiry = take(48, Int64.self)
    }

    init(
        _ kind: Kind, _ id: JobID, epoch: Int64, version: Int, at: Int64, answer: Answer = .none,
        worker: UInt16 = 0, pid: Int32 = 0, attempt: Int = 0, expiry: Int64 = 0
    ) {
        self.kind = kind
        self.answer = answer
        self.worker = worker
        self.pid = pid
        self.id = id
        self.epoch = epoch
        self.version = version
        self.attempt = attempt
        self.at = at
        self.expiry = expiry
    }
}

/// The file of one worker; every life of the worker goes on with it.
final class EffectFile: Sendable {
    private let descriptor: Int32
    private let worker: UInt16
    private let pid = getpid()

    init(_ path: String, worker: UInt16) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw ServerProblem("cannot open \(path)") }
        self.worker = worker
    }

    func append(_ records: [EffectRecord]) {
        if records.isEmpty { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(records.count * EffectRecord.size)
        for var record in records {
            record.worker = worker
            record.pid = pid
            record.write(to: &bytes)
        }
        // One write, whole: an effect that is not on file did not happen, so nothing may go on without it.
        if write(descriptor, bytes, bytes.count) != bytes.count {
            Output.note("drill: the effects cannot be written: \(String(cString: strerror(errno)))")
            _exit(74)
        }
    }

    /// Every record of the file, in order of writing.
    static func forEach(_ path: String, _ body: (EffectRecord) -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return }  // this worker never ran a job
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: EffectRecord.size << 14, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            var held = 0
            while held < buffer.count {
                let count = read(descriptor, buffer.baseAddress?.advanced(by: held), buffer.count - held)
                if count <= 0 { break }
                held += count
            }
            var at = 0
            while at + EffectRecord.size <= held {
                let piece = UnsafeRawBufferPointer(rebasing: buffer[at..<at + EffectRecord.size])
                guard let record = EffectRecord(piece) else {
                    throw ServerProblem("\(path) is damaged at byte \(at)")
                }
                body(record)
                at += EffectRecord.size
            }
            if held < buffer.count { return }
        }
    }
}
