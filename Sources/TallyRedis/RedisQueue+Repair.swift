import TallyCore

extension RedisQueue {
    /// One call, with the token of whoever holds the lease to repair, if this task has one. After
    /// `.uncertain` look at the jobs anew, or repeat: a repair that moved its job answers false then. One
    /// that left it as it was seen is written to the log once more, and changes nothing.
    ///
    /// - Throws: `.invalid`, with nothing changed, for more than `Limits.sweepPerCall` repairs, for a record
    ///   that no store may have, which the text names by its job, and once somebody else has the lease to
    ///   repair.
    public func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        if repairs.isEmpty { return [] }
        if repairs.count > Limits.sweepPerCall {
            throw QueueError(
                .invalid, "repair", "\(repairs.count) repairs; at most \(Limits.sweepPerCall) a call")
        }
        // Packing what does not fit its fields would end the process.
        for repair in repairs {
            if let why = repair.action.problem(at: time, on: part) {
                throw QueueError(.invalid, "repair", "job \(repair.id): \(why)")
            }
        }
        let answer = try await call("repair") { head, arguments in
            head.bulk(Self.fence)
            for repair in repairs {
                arguments.bulk(repair.epoch)
                arguments.bulk(repair.id.bytes)
                arguments.bulk(repair.code)
                arguments.bulk(repair.expected.bytes)
                repair.action.write(to: &arguments)
            }
        }
        guard answer.values.count >= 4, let made = answer.values[3].bytes, made.count == repairs.count else {
            throw malformed("repair")
        }
        return made.map { $0 == UInt8(ascii: "1") }
    }

    /// What every change of the reconciler carries.
    static var fence: String { RepairFence.token?.description ?? "" }
}

extension RedisQueue: QueueFencing {
    public func fence(_ token: JobID) async throws(QueueError) {
        _ = try await call("fence") { head, _ in head.bulk(token.description) }
    }
}

private func bytes(_ letter: Character, _ status: JobStatus, _ version: Int) -> [UInt8] {
    var bytes = [letter.asciiValue!, status.code]
    bytes.appendBigEndian(UInt32(clamping: version))
    return bytes
}

extension QueueRepair.Expected {
    fileprivate var bytes: [UInt8] {
        switch self {
        case .absent: [UInt8(ascii: "-")]
        case .held(let status, let version): TallyRedis.bytes("H", status, version)
        case .ended(let status, let version): TallyRedis.bytes("E", status, version)
        }
    }
}

extension QueueRepair.Action {
    /// The action's letter with what belongs to it, then its arguments: see `repair.lua`.
    fileprivate func write(to arguments: inout RESPWriter) {
        switch self {
        case .push(let push):
            arguments.bulk("P")
            push.write(to: &arguments, withUnique: false)
        case .end(let status, let version):
            arguments.bulk(bytes("B", status, version))
            arguments.bulk("")
        case .endBecause(let status, let version, let error):
            arguments.bulk(bytes("B", status, version))
            arguments.bulk(error)
        case .logEnd: arguments.bulk("T")
        case .logState(let withRecord): arguments.bulk(withRecord ? "S1" : "S0")
        case .wait(let time):
            var action: [UInt8] = [UInt8(ascii: "W")]
            action.appendBigEndian(Limits.reach(time))
            arguments.bulk(action)
        case .rewrite(let record):
            arguments.bulk("R")
            Push(record, isRecorded: true).write(to: &arguments, withUnique: false)
        case .restore(let job, let place):
            var action: [UInt8] = [UInt8(ascii: "G"), job.status.code]
            action.appendBigEndian(UInt32(clamping: job.crashes))
            arguments.bulk(action + place.bytes)
            Push(job.record, version: place.version, runAt: job.runAt, attempts: job.attempts)
                .write(to: &arguments, withUnique: false)
        case .failWithoutRecord(let stub, let place):
            arguments.bulk([UInt8(ascii: "X")] + place.bytes)
            Push(stub, version: place.version, runAt: nil, attempts: 0).write(
                to: &arguments, withUnique: false)
        case .reclaim: arguments.bulk("C")
        case .promote: arguments.bulk("M")
        }
    }
}

extension QueuePlace {
    /// An element, or a token.
    var bytes: [UInt8] {
        var bytes = id.bytes
        bytes.appendBigEndian(UInt32(clamping: version))
        if let epoch { bytes.appendBigEndian(epoch) }
        return bytes
    }
}
