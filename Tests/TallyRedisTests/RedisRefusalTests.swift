import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite struct `An error reply of Redis` {
    @Test(
        arguments: [
            (
                "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
                .unavailable
            ),
            ("READONLY You can't write against a read only replica.", .unavailable),
            ("LOADING Redis is loading the dataset in memory", .unavailable),
            ("BUSY Redis is busy running a script.", .unavailable),
            ("MASTERDOWN Link with MASTER is down", .unavailable),
            ("CLUSTERDOWN The cluster is down", .unavailable),
            ("TRYAGAIN Multiple keys request during rehashing of slot", .unavailable),
            ("NOREPLICAS Not enough good replicas to write.", .unavailable),
            ("ERR max number of clients reached", .unavailable), ("ERR Function not found", .unavailable),
            ("OOM command not allowed when used memory > 'maxmemory'.", .full),
            ("MISCONF Redis is configured to save RDB snapshots", .full), ("FULL the log", .full),
            ("NOAUTH Authentication required.", .wrongServer),
            ("WRONGPASS invalid username-password pair or user is disabled.", .wrongServer),
            ("NOPERM User x has no permissions to run the 'fcall' command", .wrongServer),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                .wrongServer
            ),
            ("ERR DB index is out of range", .wrongServer),
            ("DENIED Redis is running in protected mode", .wrongServer),
            ("MOVED 3999 127.0.0.1:6381", .wrongServer), ("ASK 3999 127.0.0.1:6381", .wrongServer),
            ("CROSSSLOT Keys in request don't hash to the same slot", .wrongServer),
            ("NOPROTO unsupported protocol version", .wrongServer),
            ("ERR unknown command 'FCALL', with args beginning with:", .wrongServer),
            ("LAYOUT the keys have layout 9", .wrongServer),
            ("FOREIGN {tally:0}:meta is a list, and a hash belongs there", .wrongServer),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", .damaged),
            ("ERR value is not an integer or out of range script: push, on @user_function:9.", .damaged),
            ("ERR user_function:7: attempt to index nil script: settle, on @user_function:7.", .damaged),
            (
                "ERR The user executing the script can't run this command script: inspect, on @user_function:7.",
                .uncertain
            ),
            ("ERR ACL failure in script script: inspect, on @user_function:7.", .uncertain),
            ("INVALID an id has 16 bytes", .invalid), ("EXECABORT Transaction discarded", .invalid),
            ("NOSCRIPT No matching script.", .invalid), ("ERR wrong number of arguments", .invalid),
            ("ERR something that nobody foresaw", .uncertain), ("NEWWORD of a later version", .uncertain),
        ] as [(String, QueueError.Code)])
    func `means the same wherever it comes`(_ text: String, _ code: QueueError.Code) {
        #expect(RedisRefusal.queueError(text, "push").code == code)
        let handshake = RedisRefusal.handshakeError(text, "connect to Redis", "h:1/0").code
        #expect(handshake == (code == .uncertain || code == .damaged ? .wrongServer : code))
    }

    @Test func `tells damage, a bad argument and a lacking right apart by code, not by words`() {
        func error(_ text: String) -> QueueError {
            RedisRefusal.queueError(text + " script: push, on @user_function:9.", "push")
        }
        let damage = [error("WRONGTYPE Operation against a key"), error("ERR value is not an integer")]
        let lacking = error("ERR The user executing the script can't run this command")
        let input = error("INVALID an id has 16 bytes")

        #expect(damage.allSatisfy { $0.isOfThisCall && !$0.refusesInput && !$0.mayRetry })
        // Without Postgres there is no `tally reconcile`: both say what there is, or that it needs one.
        #expect(damage[0].detail.contains("without Postgres the duty `watch Redis` of `tally serve`"))
        #expect(damage[1].detail.contains("where there is Postgres"))
        #expect(!lacking.isOfThisCall && lacking.detail.contains("ops/rights.md"))
        #expect(input.isOfThisCall && input.refusesInput && input.detail == "an id has 16 bytes")
        #expect(input.description == "push: invalid: an id has 16 bytes")
        // The words alone make none of them.
        #expect(!QueueError(.wrongServer, "push", "WRONGTYPE x").isOfThisCall)
        #expect(!QueueError(.invalid, "push", "INVALID x").refusesInput)
    }

    @Test func `stands once in the table, and never promises that nothing happened where it may have`() {
        let beginnings = RedisRefusal.table.map(\.beginning)

        #expect(Set(beginnings).count == beginnings.count)
        #expect(RedisRefusal.row("WRONGTYPE x").mayHaveHappened && RedisRefusal.row("HUH").mayHaveHappened)
        for row in RedisRefusal.table where row.code == .unavailable || row.code == .full {
            #expect(!row.mayHaveHappened, "\(row.beginning)")
        }
    }
}
