import TallyCore

extension RedisQueue {
    /// The entry whose moves reach `bytes` is the last, so one larger than that comes alone; `limit` and
    /// `bytes` count as 1 below that. Moves that cannot be read come as `unreadable`, and what no function
    /// wrote is passed over. It changes nothing, and may be repeated.
    ///
    /// - Throws: `.invalid` for a position on another shard, with nothing sent.
    public func log(
        after position: LogPosition, limit: Int, bytes: Int
    ) async throws(QueueError) -> [LogEntry] {
        try part.check(position, "log")
        let answer = try await call("log", on: reads) { head, _ in
            head.bulk(position.epoch)
            head.bulk(position.seq)
            head.bulk(Int64(max(1, limit)))
            head.bulk(Int64(max(1, bytes)))
        }
        let values = answer.values
        guard values.count >= 3, (values.count - 3) % 5 == 0 else { throw malformed("log") }
        var entries: [LogEntry] = []
        entries.reserveCapacity((values.count - 3) / 5)
        for at in stride(from: 3, to: values.count, by: 5) {
            guard let id = values[at].text,
                let entry = LogEntry(
                    id: id, of: part.shard, fields: values[(at + 1)...])
            else {
                throw malformed("log")
            }
            entries.append(entry)
        }
        return entries
    }

    /// Entries stay for `Limits.reportedLog` after it, unless the log is over half of `Limits.logEntries`;
    /// tombstones for at least `Limits.tombstone`. A repeat, an older position, or one that this history has
    /// not written yet is harmless, so after `.uncertain` nothing needs to be done.
    ///
    /// - Throws: `.invalid` for a position on another shard, with nothing sent.
    public func report(applied position: LogPosition) async throws(QueueError) {
        try part.check(position, "report")
        _ = try await call("report") { head, _ in
            head.bulk(position.epoch)
            head.bulk(position.seq)
        }
    }
}

extension LogEntry {
    /// Fields: verb, time, actor, moves; see `Functions/append.lua`. What a foreign hand wrote in our form, and no
    /// function can have written, is one unreadable move: it goes to quarantine, and the log goes on.
    init?(id: String, of shard: Shard, fields: ArraySlice<RedisReply>) {
        let numbers = id.split(separator: "-")
        let first = fields.startIndex
        guard numbers.count == 2, let epoch = Int64(numbers[0]), let seq = Int64(numbers[1]),
            fields.count >= 4
        else { return nil }
        let position = LogPosition(shard: shard, epoch: epoch, seq: seq)
        guard let code = fields[first].bytes?.first, let verb = Verb(code: code),
            let time = fields[first + 1].number,
            let actor = fields[first + 2].text, let moves = fields[first + 3].bytes
        else {
            self.init(position: position, verb: .repair, at: Timestamp(microseconds: 0))
            self.moves = [Move.damaged((fields[first + 3].bytes ?? [])[...])]
            return
        }
        self.init(
            position: position, verb: verb,
            at: Timestamp(microseconds: time),
            actor: actor.isEmpty ? nil : actor)
        switch verb {
        case .heartbeat: beat = WorkerBeat.decoded(moves)
        case .epoch:
            var reader = ByteReader(moves[...])
            if let epoch = try? reader.int64(), let seq = try? reader.int64() {  // absent in a damaged entry
                predecessor = LogPosition(shard: shard, epoch: epoch, seq: seq)
                losesMore = !reader.isAtEnd
            }
        default: self.moves = Move.read(moves, verb: verb)
        }
    }
}

extension Move {
    /// Moves as the functions concatenate them. What cannot be read becomes one `unreadable` move with the bytes.
    static func read(_ bytes: [UInt8], verb: Verb) -> [Move] {
        var moves: [Move] = []
        moves.reserveCapacity(bytes.count / 26)
        var at = 0
        while at < bytes.count {
            guard at + 26 <= bytes.count else {
                moves.append(damaged(bytes[at...]))
                return moves
            }
            let (id, version, length) = bytes.withUnsafeBytes { raw in
                (
                    JobID(
                        high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)),
                        low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self))),
                    Int(UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: at + 16, as: UInt32.self))),
                    Int(UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: at + 22, as: UInt32.self)))
                )
            }
            guard let to = JobStatus(code: bytes[at + 21]), at + 26 + length <= bytes.count else {
                moves.append(damaged(bytes[at...]))
                return moves
            }
            var move = Move(id: id, version: version, from: JobStatus(code: bytes[at + 20]), to: to)
            if length > 0 {
                let detail = bytes[(at + 26)..<(at + 26 + length)]
                do {
                    try move.read(detail, verb: verb)
                } catch {
                    move.unreadable = Array(detail)
                }
            }
            moves.append(move)
            at += 26 + length
        }
        return moves
    }

    fileprivate static func damaged(_ bytes: ArraySlice<UInt8>) -> Move {
        Move(id: .zero, version: 0, from: nil, to: .failed, unreadable: Array(bytes))
    }

    private mutating func read(_ detail: ArraySlice<UInt8>, verb: Verb) throws(CorruptRecord) {
        var reader = ByteReader(detail)
        func time(_ value: Int64) -> Timestamp? { value == 0 ? nil : Timestamp(microseconds: value) }
        switch verb {
        case .push, .repair:
            let kind = try reader.byte()
            if kind == 3 { return try readStanding(&reader) }
            if kind == 4 {
                error = String(decoding: reader.rest, as: UTF8.self)
                return
            }
            runAt = time(try reader.int64())
            let attempts = Int(try reader.uint32())
            self.attempts = attempts == 0 ? nil : attempts
            if kind == 1 {
                record = try JobRecord(id: id, packed: reader.rest)
            } else if kind == 2 {
                let packed = try reader.take(Int(try reader.uint32()))
                record = try JobRecord(id: id, packed: packed, body: Array(reader.rest))
            }
        case .ack: result = Array(detail)
        case .retry:
            runAt = time(try reader.int64())
            attempts = Int(try reader.uint32())
            error = String(decoding: reader.rest, as: UTF8.self)
        case .fail:
            attempts = Int(try reader.uint32())
            error = String(decoding: reader.rest, as: UTF8.self)
        case .release: runAt = time(try reader.int64())
        case .reclaim:
            crashes = Int(try reader.uint32())
            if !reader.isAtEnd { error = String(decoding: reader.rest, as: UTF8.self) }
        case .cancel: error = String(decoding: reader.rest, as: UTF8.self)
        default: break
        }
    }

    /// How a job stands, of a repair: see `standing` in `repair.lua`.
    private mutating func readStanding(_ reader: inout ByteReader) throws(CorruptRecord) {
        let time = try reader.int64()
        runAt = time == 0 ? nil : Timestamp(microseconds: time)
        attempts = Int(try reader.uint32())
        crashes = Int(try reader.uint32())
        let text = try reader.take(Int(try reader.uint32()))
        if !text.isEmpty { error = String(decoding: text, as: UTF8.self) }
        if reader.isAtEnd { return }
        let packed = try reader.take(Int(try reader.uint32()))
        record = try JobRecord(
            id: id, packed: packed, body: reader.isAtEnd ? nil : Array(reader.rest))
    }
}
