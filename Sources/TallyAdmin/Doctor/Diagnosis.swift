import TallyCore
import TallyRuntime

/// All that was asked of an installation, and what answered. Each part stands for itself: one that could not be asked
/// leaves the others to be judged.
package struct Diagnosis: Sendable {
    /// What became of a question.
    package enum Asked<Value: Sendable>: Sendable {
        /// Its answer.
        case told(Value)
        /// Why there is none.
        case failed(String)
        /// There is nobody to ask: no ledger, or a driver that lacks it.
        case nobody
    }

    /// How the ledger's schema stands against this program.
    package struct Schema: Hashable, Sendable {
        /// How many migrations this program has.
        package var count: Int
        /// Names of those that are missing.
        package var missing: [String]
        /// Of those that were applied from another text.
        package var changed: [String]
        /// Of those that a newer program applied and beside which this one cannot work.
        package var breaking: [String]

        /// A schema as it should be, of so many migrations.
        package init(
            count: Int, missing: [String] = [], changed: [String] = [], breaking: [String] = []
        ) {
            self.count = count
            self.missing = missing
            self.changed = changed
            self.breaking = breaking
        }
    }

    /// What enqueues wait for unless they say otherwise.
    package var mode: Durability
    /// The server of each shard, in their order.
    package var queues: [(part: ShardPart, asked: Asked<QueueVitals>)]
    /// The server of the ledger.
    package var ledger: Asked<LedgerVitals>
    /// The ledger's server was there, and ended the question about it by a limit of the login.
    package var isLedgerCutShort: Bool
    /// The ledger's schema.
    package var schema: Asked<Schema>
    /// Both halves, opened together: `failed` says why they are not used so.
    package var opening: Asked<Bool>
    /// Where each shard stands.
    package var standings: [ShardStanding]
    /// How the duties fare.
    package var duties: Asked<[DutyStanding]>
    /// The ledger's totals.
    package var totals: Asked<Balances>
    /// How long ago both halves were compared in full, by the ledger's clock; nil = never.
    package var compared: Asked<Duration?>
    /// The workers.
    package var workers: Asked<WorkersReport>
    /// While a type is paused, the programs that take no notice of it.
    package var older: Asked<[String]>
    /// The months.
    package var partitions: Asked<PartitionsReport>

    /// A diagnosis of which nothing was asked yet.
    package init(mode: Durability) {
        self.mode = mode
        queues = []
        ledger = .nobody
        isLedgerCutShort = false
        schema = .nobody
        opening = .nobody
        standings = []
        duties = .nobody
        totals = .nobody
        compared = .nobody
        workers = .nobody
        older = .nobody
        partitions = .nobody
    }
}

/// One thing that was looked at.
package struct Finding: Hashable, Sendable {
    /// How much it matters.
    package enum Severity: String, Sendable, CaseIterable, Comparable {
        /// As it should be.
        case good
        /// Worth knowing; nothing must be done.
        case note
        /// Somebody must mend it, before it becomes an alarm.
        case mend
        /// Jobs are held up or in danger now.
        case alarm

        package static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }
    /// What was looked at; a word of JSON, which stays.
    package let code: String
    /// Where: `redis`, `redis/1`, `postgres`, `halves` or `duties`.
    package let subject: String
    /// How much it matters.
    package let severity: Severity
    /// What is so.
    package let text: String
    /// What to do about it; nothing where nothing must be done.
    package let mend: String

    /// What was found.
    package init(
        _ code: String, _ subject: String, _ severity: Severity, _ text: String, mend: String = ""
    ) {
        self.code = code
        self.subject = subject
        self.severity = severity
        self.text = text
        self.mend = mend
    }

    /// `code`, `subject`, `severity`, `text`, `mend`.
    package var json: [String: Any] {
        ["code": code, "subject": subject, "severity": severity.rawValue, "text": text, "mend": mend]
    }
}

extension Diagnosis {
    /// Every finding, in the order of what was asked. Pure.
    package var findings: [Finding] {
        var all: [Finding] = []
        for (part, asked) in queues { all += Self.ofQueue(part.name("redis"), asked, mode) }
        all += Self.ofLedger(ledger, isCutShort: isLedgerCutShort)
        all += Self.ofSchema(schema)
        all += ofClocks
        all += Self.ofOpening(opening)
        all += standings.flatMap(Self.ofShard)
        all += Self.ofDuties(duties) + Self.ofTotals(totals) + Self.ofComparison(compared)
        all += Self.ofWorkers(workers) + Self.ofOlder(older)
        all += Self.ofPartitions(partitions)
        return all
    }

    /// 1 where anything must be mended.
    package var exitCode: Int32 { findings.contains { $0.severity >= .mend } ? 1 : 0 }

    /// `findings`, and `healthy`: nothing must be mended.
    package var json: [String: Any] {
        ["findings": findings.map(\.json), "healthy": exitCode == 0]
    }

    /// For people: the gravest first, each with its mend, no line wider than `width`.
    ///
    /// - Parameter mark: what stands for a severity, seven columns wide.
    package func text(width: Int, mark: (Finding.Severity) -> String) -> [String] {
        let order = Finding.Severity.allCases.reversed()
        return order.flatMap { severity -> [String] in
            findings.filter { $0.severity == severity }.flatMap { finding -> [String] in
                let text = Printable.text(
                    "\(finding.subject): \(finding.text)", limit: Limits.shownCharacters)
                let lines = TextColumns.wrap(text, width: width, first: mark(severity), indent: 7)
                let mend = Printable.text(finding.mend, limit: Limits.shownCharacters)
                return lines + TextColumns.wrap(mend, width: width, first: "       → ", indent: 9)
            }
        }
    }
}
