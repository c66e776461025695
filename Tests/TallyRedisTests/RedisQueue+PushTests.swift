import TallyCore
import Testing

@testable import TallyRedis

/// Replies as a server might give them whose functions are not ours: each is read without a server.
@Suite struct `A reply of the functions` {
    private static let ids = (1...3).map { JobID(high: 7, low: $0) }
    private let jobs = [
        Push(JobRecord(type: "t", queue: "a", body: [])), Push(JobRecord(type: "t", queue: "b", body: [])),
    ]

    /// The time, the epoch and whether it is held stand before what a verb answers.
    private static func reply(_ rest: RedisReply..., firstJob: Int = 0) -> Call.Answer {
        Call.Answer(values: [.integer(1), .integer(2), .integer(0)] + rest, firstJob: firstJob)
    }

    private static func text(_ letters: String) -> RedisReply { .bytes(Array(letters.utf8)) }

    private func pushed(_ answer: Call.Answer) throws(QueueError) -> [PushAnswer] {
        try RedisQueue.pushAnswers(to: jobs, answer)
    }

    /// What reading a reply ends with; nil = it is one.
    private func refusal<Told>(
        _ read: (Call.Answer) throws(QueueError) -> Told, _ answer: Call.Answer
    ) -> QueueError.Code? {
        do throws(QueueError) { _ = try read(answer) } catch { return error.code }
        return nil
    }

    @Test(
        arguments: [
            ("Pe", .pushed, .exists(same: true)), ("dw", .exists(same: false), .full),
            ("NN", .withheld, .withheld), ("hL", .keysElsewhere, .layoutNotRaised),
            ("rc", .refused, .ended(.completed)), ("fx", .ended(.failed), .ended(.cancelled)),
        ] as [(String, PushAnswer, PushAnswer)])
    func `to a push has a letter for each job`(_ letters: String, _ first: PushAnswer, _ second: PushAnswer)
        throws
    {
        let answer = Self.reply(Self.text(letters), Self.text(""))

        #expect(try pushed(answer) == [first, second])
    }

    @Test func `to a push names who holds each taken key, behind those that other callers met`() throws {
        let holders = RedisReply.bytes(Self.ids.flatMap(\.bytes))

        #expect(
            try pushed(Self.reply(Self.text("uPuu"), holders, firstJob: 2))
                == [.duplicate(of: Self.ids[1]), .duplicate(of: Self.ids[2])])
    }

    /// Of a holder that is not told whole no id is made up, and what no function answers is no end of a job.
    @Test(
        arguments: [
            ("uP", 0), ("uP", 15), ("uu", 16), ("uu", 31), ("PP", nil), ("P", 0), ("P?", 0), ("pP", 0),
            ("Ps", 0), ("Pl", 0),
        ] as [(String, Int?)])
    func `to a push that is cut short or unknown is refused by name`(_ letters: String, _ bytes: Int?) {
        let holders = bytes.map { RedisReply.bytes([UInt8](repeating: 1, count: $0)) } ?? .null
        let answer = Self.reply(Self.text(letters), holders)

        #expect(refusal(pushed, answer) == .wrongServer)
    }

    /// The first is another caller's, which has a holder that is told.
    @Test func `to a push is refused where it tells the holders of other callers alone`() {
        let answer = Self.reply(Self.text("uuP"), .bytes(Self.ids[0].bytes), firstJob: 1)

        #expect(refusal(pushed, answer) == .wrongServer)
        let none = Self.reply(Self.text("uuP"), .bytes([]), firstJob: 1)
        #expect(refusal(pushed, none) == .wrongServer)
    }

    @Test func `to a push that found no room names the queue`() {
        let answer = Self.reply(Self.text("PW"), Self.text(""))
        let error = #expect(throws: QueueError.self) { try pushed(answer) }

        #expect(error?.code == .full && error?.detail.hasPrefix("queue b holds ") == true)
    }

    @Test(arguments: ["Ec", "Ef", "Ex", "E", "E?", "Es", "?", "?c", "Ecc", ""])
    func `to a cancellation or a change is an end that a job can have, or refused`(_ letters: String) throws {
        let answer = Self.reply(Self.text(letters), .integer(3))
        let statuses: [String: JobStatus] = ["Ec": .completed, "Ef": .failed, "Ex": .cancelled]

        if let status = statuses[letters] {
            #expect(try RedisQueue.cancelAnswer(answer) == .ended(status, version: 3))
            #expect(try RedisQueue.changeAnswer(answer) == .ended(status))
        } else {
            #expect(refusal(RedisQueue.cancelAnswer, answer) == .wrongServer)
            #expect(refusal(RedisQueue.changeAnswer, answer) == .wrongServer)
        }
    }

    @Test func `to a change says where the job waits now`() throws {
        #expect(
            try RedisQueue.changeAnswer(Self.reply(Self.text("s"), .integer(2)))
                == .changed(.scheduled, version: 2))
        #expect(
            try RedisQueue.changeAnswer(Self.reply(Self.text("p"), .integer(2)))
                == .changed(.pending, version: 2))
    }
}
