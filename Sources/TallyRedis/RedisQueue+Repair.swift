import TallyCore

extension RedisQueue {
    public func repair(_ repair: QueueRepair) async throws(QueueError) -> Bool {
        let answer = try await call("repair", at: nil) { head, arguments in
            head.bulk(repair.epoch)
            head.bulk(repair.id.bytes)
            head.bulk(repair.code)
            head.bulk(repair.expected.bytes)
            repair.action.write(to: &head, &arguments)
        }
        guard answer.values.count >= 4, let made = answer.values[3].number else { throw malformed("repair") }
        return made == 1
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
    fileprivate func write(to head: inout RESPWriter, _ arguments: inout RESPWriter) {
        switch self {
        case .push(let push):
            head.bulk("P")
            push.write(to: &arguments, withUnique: false)
        case .end(let status, let version): head.bulk(bytes("B", status, version))
        case .endBecause(let status, let version, let error):
            head.bulk(bytes("B", status, version))
            arguments.bulk(error)
        case .tellEnd: head.bulk("T")
        case .tellStanding(let withRecord): head.bulk(withRecord ? "S1" : "S0")
        case .wait(let time):
            var action: [UInt8] = [UInt8(ascii: "W")]
            action.appendBigEndian(max(0, time.microseconds))
            head.bulk(action)
        case .rewrite(let record):
            head.bulk("R")
            Push(record, isRecorded: true).write(to: &arguments, withUnique: false)
        case .restore(let job, let place):
            var action: [UInt8] = [UInt8(ascii: "G"), job.status.code]
            action.appendBigEndian(UInt32(clamping: job.crashes))
            head.bulk(action + place.bytes)
            Push(job.record, version: place.version, runAt: job.runAt, attempts: job.attempts)
                .write(to: &arguments, withUnique: false)
        case .bury(let stub, let place):
            head.bulk([UInt8(ascii: "X")] + place.bytes)
            Push(stub, version: place.version, runAt: nil, attempts: 0).write(
                to: &arguments, withUnique: false)
        case .reclaim: head.bulk("C")
        case .promote: head.bulk("M")
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
