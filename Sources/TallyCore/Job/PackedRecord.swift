// How a job's record lies in Redis: one string, packed once at enqueue, carried untouched ever after.
//
//   0  layout: 1, or 2           4  queue bytes n     5..<5+n  queue
//   1  priority                  then of layout 2 with flag 2: the limit key, length-prefixed (u8)
//   2  max crashes               then, big-endian: created µs i64, run-at µs i64 (0 = at once), timeout µs i64
//   3  flags: 1 = body elsewhere (0 = none), attempts u32, max attempts u32, unique lifetime i64, hash u64, body
//             2 = limit key      bytes u32, of layout 2 not-after µs i64 (0 = none); then length-prefixed (u16):
//                                type, codec, unique, trace; tags u8, each length-prefixed; of layout 2 the tenant
//                                (u16-prefixed, empty = none) and headers u8, each a name and a value (u16-prefixed),
//                                by the bytes of their names; then the body
//
// A record with neither headers, tenant, limit key nor not-after is layout 1, byte for byte as before there was
// another. The Lua functions read the first five bytes, the queue, and the numbers behind it by their places
// (`fields_at` in record.lua); they parse nothing else.

extension JobRecord {
    /// The newest layout that this program reads and writes. Bytes of another one are refused as damaged.
    package static let newestLayout = 2
    /// The flag that says that the body is stored beside the record, as bodies over `Limits.inlineBodyBytes` are.
    package static let bodyElsewhere: UInt8 = 1
    private static let hasLimitKey: UInt8 = 2

    /// The oldest layout that can hold it.
    package var layout: Int {
        headers.isEmpty && tenant == nil && limitKey == nil && notAfter == nil ? 1 : 2
    }

    /// By the bytes of their names, so that equal headers are equal bytes.
    package var sortedHeaders: [(name: String, value: [UInt8])] {
        headers.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, $0.value) }
    }

    /// - Parameter withoutBody: leaves the body out and says so; the body is then stored beside the record.
    package func packed(withoutBody: Bool = false) -> [UInt8] {
        var out = [UInt8]()
        out.reserveCapacity(
            96 + type.text.utf8.count + queue.text.utf8.count + (withoutBody ? 0 : body.count))
        let queueText = queue.text.utf8
        let layout = layout
        out.append(UInt8(layout))
        out.append(UInt8(priority.rawValue))
        out.append(UInt8(maxCrashes))
        out.append((withoutBody ? Self.bodyElsewhere : 0) | (limitKey == nil ? 0 : Self.hasLimitKey))
        out.append(UInt8(queueText.count))
        out.append(contentsOf: queueText)
        if let limitKey {
            out.append(UInt8(limitKey.utf8.count))
            out.append(contentsOf: limitKey.utf8)
        }
        out.appendBigEndian(createdAt.microseconds)
        out.appendBigEndian(runAt?.microseconds ?? 0)
        out.appendBigEndian(timeout?.microseconds ?? 0)
        out.appendBigEndian(UInt32(attempts))
        out.appendBigEndian(UInt32(maxAttempts))
        switch unique?.lifetime {
        case nil: out.appendBigEndian(Int64(0))
        case .untilTerminal?: out.appendBigEndian(Int64(-1))
        case .forever?: out.appendBigEndian(Int64(-2))
        case .lasting(let time)?: out.appendBigEndian(time.microseconds)
        }
        let hashAt = out.count
        out.appendBigEndian(UInt64(0))
        out.appendBigEndian(UInt32(body.count))
        if layout > 1 { out.appendBigEndian(notAfter?.microseconds ?? 0) }
        for text in [type.text, codec == "json" ? "" : codec, unique?.text ?? "", trace] {
            out.appendBigEndian(UInt16(text.utf8.count))
            out.append(contentsOf: text.utf8)
        }
        out.append(UInt8(tags.count))
        for tag in tags {
            out.appendBigEndian(UInt16(tag.utf8.count))
            out.append(contentsOf: tag.utf8)
        }
        if layout > 1 { appendTenantAndHeaders(to: &out) }
        var hash = Self.hash(out[...], hashAt: hashAt, body: body).bigEndian
        Swift.withUnsafeBytes(of: &hash) { out.replaceSubrange(hashAt..<hashAt + 8, with: $0) }
        if !withoutBody { out.append(contentsOf: body) }
        return out
    }

    private func appendTenantAndHeaders(to out: inout [UInt8]) {
        let tenant = tenant ?? ""
        out.appendBigEndian(UInt16(tenant.utf8.count))
        out.append(contentsOf: tenant.utf8)
        out.append(UInt8(headers.count))
        for (name, value) in sortedHeaders {
            out.appendBigEndian(UInt16(name.utf8.count))
            out.append(contentsOf: name.utf8)
            out.appendBigEndian(UInt16(value.count))
            out.append(contentsOf: value)
        }
    }

    /// Of everything but itself: what stands before it, what stands after it, and the body.
    private static func hash(_ header: ArraySlice<UInt8>, hashAt: Int, body: [UInt8]) -> UInt64 {
        header.withUnsafeBytes { bytes in
            let before = XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[..<hashAt]))
            let after = XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[(hashAt + 8)...]))
            return (before &* 3 &+ after) &* 3 &+ XXH64.hash(body)
        }
    }

    /// What stands before a body.
    private struct Head {
        var record: JobRecord
        var flags: UInt8
        var hash: UInt64
        var hashAt: Int
        var bodyBytes: Int
        var isBodyElsewhere: Bool { flags & JobRecord.bodyElsewhere != 0 }
    }

    /// - Parameter body: where the body was stored beside the record.
    /// - Throws: `CorruptRecord` when the bytes are not a record, or when the body is not what was enqueued.
    package init(id: JobID, packed bytes: ArraySlice<UInt8>, body: [UInt8]? = nil) throws(CorruptRecord) {
        var reader = ByteReader(bytes)
        let head = try Self.head(id, bytes, &reader)
        let header = bytes.dropLast(reader.rest.count)
        let found: [UInt8]
        if head.isBodyElsewhere {
            guard let body, reader.isAtEnd else { throw CorruptRecord(id: id, why: "the body is missing") }
            found = body
        } else {
            found = Array(reader.rest)
        }
        guard found.count == head.bodyBytes,
            Self.hash(header, hashAt: head.hashAt, body: found) == head.hash
        else { throw CorruptRecord(id: id, why: "the record is not what was enqueued") }
        self = head.record
        self.body = found
    }

    /// A record whose body was left out, so that its hash cannot be checked.
    ///
    /// - Parameter storedBytes: the length of a body that is stored beside the record.
    /// - Throws: `CorruptRecord` when the bytes are not the head of a record, or that body has another length.
    package init(id: JobID, head bytes: ArraySlice<UInt8>, storedBytes: Int?) throws(CorruptRecord) {
        var reader = ByteReader(bytes)
        let head = try Self.head(id, bytes, &reader)
        guard reader.isAtEnd, !head.isBodyElsewhere || storedBytes == head.bodyBytes else {
            throw CorruptRecord(id: id, why: "the body is missing, or longer or shorter than it was")
        }
        self = head.record
    }

    private static func head(
        _ id: JobID, _ bytes: ArraySlice<UInt8>, _ reader: inout ByteReader
    ) throws(CorruptRecord) -> Head {
        let layout = try reader.byte()
        guard layout >= 1, layout <= Self.newestLayout else {
            throw CorruptRecord(id: id, why: "unknown layout")
        }
        guard let priority = JobPriority(rawValue: Int(try reader.byte())) else {
            throw CorruptRecord(id: id, why: "unknown priority")
        }
        let maxCrashes = Int(try reader.byte())
        let flags = try reader.byte()
        let queue = try reader.text(Int(try reader.byte()))
        let limitKey =
            layout > 1 && flags & Self.hasLimitKey != 0 ? try reader.text(Int(try reader.byte())) : nil
        let createdAt = Timestamp(microseconds: try reader.int64())
        let runAt = try reader.int64()
        let timeout = try reader.int64()
        let attempts = try reader.uint32()
        let maxAttempts = try reader.uint32()
        let lifetime = try reader.int64()
        let hashAt = bytes.count - reader.rest.count
        let hash = try reader.uint64()
        let count = Int(try reader.uint32())
        let notAfter = layout > 1 ? try reader.int64() : 0
        let type = try reader.text(Int(try reader.uint16()))
        let codec = try reader.text(Int(try reader.uint16()))
        let unique = try reader.text(Int(try reader.uint16()))
        let trace = try reader.text(Int(try reader.uint16()))
        var tags = [String]()
        for _ in 0..<(try reader.byte()) { tags.append(try reader.text(Int(try reader.uint16()))) }
        let tenant = layout > 1 ? try reader.text(Int(try reader.uint16())) : ""
        let headers = layout > 1 ? try headers(id, &reader) : [:]
        let lifetimes: UniqueKey.Lifetime =
            lifetime == -2 ? .forever : lifetime > 0 ? .lasting(.microseconds(lifetime)) : .untilTerminal
        let record = JobRecord(
            id: id, type: JobType(type), queue: QueueName(queue), priority: priority, body: [],
            codec: codec.isEmpty ? "json" : codec,
            runAt: runAt == 0 ? nil : Timestamp(microseconds: runAt),
            timeout: timeout == 0 ? nil : .microseconds(timeout), attempts: Int(attempts),
            maxAttempts: Int(maxAttempts), maxCrashes: maxCrashes,
            unique: unique.isEmpty ? nil : UniqueKey(unique, lifetimes), createdAt: createdAt, tags: tags,
            trace: trace, headers: headers, tenant: tenant.isEmpty ? nil : tenant, limitKey: limitKey,
            notAfter: notAfter == 0 ? nil : Timestamp(microseconds: notAfter))
        return Head(record: record, flags: flags, hash: hash, hashAt: hashAt, bodyBytes: count)
    }

    private static func headers(
        _ id: JobID, _ reader: inout ByteReader
    ) throws(CorruptRecord) -> [String: [UInt8]] {
        var headers: [String: [UInt8]] = [:]
        for _ in 0..<(try reader.byte()) {
            let name = try reader.text(Int(try reader.uint16()))
            let value = Array(try reader.take(Int(try reader.uint16())))
            guard headers.updateValue(value, forKey: name) == nil else {
                throw CorruptRecord(id: id, why: "a header comes twice")
            }
        }
        return headers
    }
}

/// Bytes in a store that are not what was written there.
public struct CorruptRecord: Error, Sendable, CustomStringConvertible {
    /// The job whose bytes they are; the nil id where the bytes were read before it was known.
    public let id: JobID
    /// What does not fit, without any of the bytes.
    public let why: String
    /// Damage that a reader of stored bytes has met.
    package init(id: JobID, why: String) {
        self.id = id
        self.why = why
    }
    public var description: String { "job \(id): \(why)" }
}
