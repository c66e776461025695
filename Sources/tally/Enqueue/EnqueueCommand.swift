import TallyCommandLine
import Tallystick

enum EnqueueCommand: Command {
    static let name = "enqueue"
    static let summary = "enqueue one job, or many from standard input"
    static let help = """
        tally enqueue --type T [options]
          --payload TEXT            its bytes as they are; `-` reads them from standard input
          --payload-file PATH | --payload-text TEXT | --payload-json JSON (checked) | --payload-base64 TEXT
          --queue Q --run-at TIME --timeout 30s --max-attempts N --max-crashes N
          --priority critical|high|normal|low --tag T (repeatable) --trace TEXT --codec NAME
          --header NAME=VALUE       repeatable; --header-base64 NAME=BASE64 for bytes that no word can hold
          --tenant T --limit-key K --not-after TIME
                                    these four need record layout 2: `tally migrate --help`
          --id UUID                 a UUIDv7 of your own, made within a day: makes a retry safe; in mode
                                    queued until a minute after the job has ended
          --key K                   unique key; --key-for 10m or --key-for ever, else until the job is terminal
        tally enqueue --stdin       one JSON object a line, with the same names written with _, and "tags":[…]; none
                                    names a file, since lines may come from elsewhere:
                                    {"type":"…","payload":…,"run_at":"…","timeout":"30s","max_attempts":3}
                                    headers are an object of texts: "headers":{"NAME":"VALUE"}
                                    "payload" is any JSON value and kept to the bit; "payload_text" a text.
                                    Bad lines are named on standard error and skipped.
                                    Lines that have come go in after 100 ms, and on SIGTERM
                                    and SIGINT, which say how many lines went in.
                                    Where a store goes away exactly the lines that are not confirmed are
                                    named, and of each whose answer was lost the id: send it again with that "id".
          --spread 10m              their jobs begin evenly over this time from the first line on, however many
                                    come; a line with a "run_at" of its own keeps it
        Prints the id, or with --json {"id","existed","durability"}.
        A TIME is \(Usage.timeForms).
        A length of time, as --timeout, --key-for and --spread take it, is such as 250ms, 1.5s, 1h30m or 7d.
        """
    static let flags = Set(JobField.all.map(\.flag)).union(["spread"])
    static let repeatable = Set(JobField.all.filter(\.mayRepeat).map(\.flag))
    static let raw = Set(JobField.all.filter(\.isRaw).map(\.flag))
    static let switches: Set<String> = ["stdin"]
    static let values = ["priority": JobPriority.allCases.map(\.name)]
    static let paths: Set<String> = ["payload-file"]
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a line was bad"), others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("stdin") {
            try arguments.allow(["stdin", "spread"], in: "enqueue --stdin")
            return try await bulk(arguments)
        }
        if arguments.text("spread") != nil { throw Usage("--spread needs --stdin: it is about many jobs") }
        let record = try record(arguments)
        try await Common.withTally(arguments) { tally in
            let receipt: Receipt
            do throws(EnqueueError) {
                receipt = try await tally.client.enqueue(record)
            } catch {
                // What is wrong with the job itself was said by its flags.
                if case .invalid(let why) = error { throw Usage(why.told(of: record)) }
                throw error
            }
            if arguments.has("json") {
                Output.json(json(receipt))
            } else {
                Output.line(receipt.id.description)
            }
        }
    }

    static func json(_ receipt: Receipt) -> [String: Any] {
        ["id": receipt.id.description, "existed": receipt.existed, "durability": receipt.durability.rawValue]
    }

    static func record(_ arguments: Arguments) throws -> JobRecord {
        var draft = JobDraft()
        for field in JobField.all {
            for value in arguments.bytes(field.flag) {
                try field.set(&draft, Said(name: "--\(field.flag)", value: .word(value)))
            }
        }
        return try draft.finished(type: "--type")
    }

    private static func bulk(_ arguments: Arguments) async throws {
        let spread = try arguments.duration("spread")
        if let spread, spread > Limits.farthestRunAt { throw Usage("--spread: is longer than ten years") }
        let code = try await Common.withTally(arguments, connecting: Limits.connect) { tally in
            var bulk = BulkEnqueue(tally: tally, isJSON: arguments.has("json"), spread: spread)
            return try await bulk.run()
        }
        if code != 0 { throw Exit(code: code) }
    }
}
