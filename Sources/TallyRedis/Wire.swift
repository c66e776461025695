import Foundation
import TallyCore

// How the vocabulary lies in the functions' arguments and replies; `Functions/library.lua` is the other side.

extension JobID {
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        bytes.append(self)
        return bytes
    }
}

extension Lease {
    /// id (16) version (4) epoch (8): the member of the lease set.
    var token: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(28)
        bytes.append(id)
        bytes.appendBigEndian(UInt32(clamping: version))
        bytes.appendBigEndian(epoch)
        return bytes
    }

    init?(token: [UInt8], expiresAt: Timestamp, shard: Shard) {
        guard token.count == 28 else { return nil }
        var reader = ByteReader(token[...])
        // 28 bytes hold all three
        guard let id = try? reader.id(), let version = try? reader.uint32(), let epoch = try? reader.int64()
        else { return nil }
        self.init(id: id, version: Int(version), epoch: epoch, expiresAt: expiresAt, shard: shard)
    }
}

extension LeaseRefusal {
    init(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "e"): self = .expired
        case UInt8(ascii: "m"): self = .mismatch
        default: self = .notProcessing
        }
    }
}

extension Push {
    /// head, record [, large body] [, unique key]: see `push.lua`.
    func write(to arguments: inout RESPWriter, withUnique: Bool = true, belongsToLast: Bool = false) {
        let isLarge = record.body.count > Limits.inlineBodyBytes
        let unique = isRecorded || !withUnique ? nil : record.unique
        var head: [UInt8] = []
        head.reserveCapacity(33)
        head.append(record.id)
        head.appendBigEndian(UInt32(clamping: version))
        var flags: UInt8 = 0
        if isRecorded { flags |= 1 }
        if isLarge { flags |= 2 }
        if unique != nil { flags |= 4 }
        if belongsToLast { flags |= 8 }
        if version > 1, !hasBegun { flags |= 16 }
        head.append(flags)
        head.appendBigEndian(Limits.reach(runAt))
        head.appendBigEndian(Limits.reach(attempts))
        arguments.bulk(head)
        arguments.bulk(record.packed(withoutBody: isLarge))
        if isLarge { arguments.bulk(record.body) }
        if unique != nil { arguments.bulk(record.uniqueField ?? []) }
    }
}

extension JobRecord {
    /// Its unique key as the functions take it: lifetime, queue, NUL, key.
    var uniqueField: [UInt8]? {
        guard let unique else { return nil }
        var field: [UInt8] = []
        if case .lasting(let time) = unique.lifetime {
            field.appendBigEndian(time.microseconds)
        } else {
            field.appendBigEndian(Int64(0))
        }
        field.append(contentsOf: queue.text.utf8)
        field.append(0)
        field.append(contentsOf: unique.text.utf8)
        return field
    }
}

/// What Redis keeps of a job off the straight path.
struct Detour {
    var state: JobStatus
    var version: Int
    var attempts: Int
    var crashes: Int
    var cancelRequested: Bool
    var leaseEpoch: Int64
    var runAt: Timestamp?
    var failedAt: Timestamp?
    var error: String

    init(_ bytes: [UInt8]) throws(CorruptRecord) {
        var reader = ByteReader(bytes[...])
        guard let state = JobStatus(code: try reader.byte()) else {
            throw CorruptRecord(id: .zero, why: "unknown state")
        }
        self.state = state
        version = Int(try reader.uint32())
        attempts = Int(try reader.uint32())
        crashes = Int(try reader.uint32())
        cancelRequested = try reader.byte() != 0
        leaseEpoch = try reader.int64()
        let runAt = try reader.int64()
        let failedAt = try reader.int64()
        self.runAt = runAt == 0 ? nil : Timestamp(microseconds: runAt)
        self.failedAt = failedAt == 0 ? nil : Timestamp(microseconds: failedAt)
        error = String(decoding: reader.rest, as: UTF8.self)
    }
}

extension WorkerBeat {
    func encoded() throws(QueueError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(self))
        } catch {
            throw QueueError(.invalid, "heartbeat", "\(error)")
        }
    }
    static func decoded(_ bytes: [UInt8]) -> WorkerBeat? {
        // unreadable: the entry is kept without it
        try? JSONDecoder().decode(WorkerBeat.self, from: Data(bytes))
    }
}
