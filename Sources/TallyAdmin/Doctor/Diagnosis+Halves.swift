import TallyCore

/// What both halves say together.
extension Diagnosis {
    static func ofSchema(_ asked: Asked<Schema>) -> [Finding] {
        let name = "postgres"
        switch asked {
        case .nobody: return []
        case .failed(let why):
            return [Finding("schema", name, .alarm, "has a schema that cannot be read: \(why)")]
        case .told(let schema):
            if !schema.breaking.isEmpty {
                let names = schema.breaking.joined(separator: ", ")
                return [
                    Finding(
                        "schema", name, .alarm,
                        "was migrated by a newer program, which this one cannot work beside: "
                            + names, mend: "upgrade this program")
                ]
            }
            if !schema.changed.isEmpty {
                let names = schema.changed.joined(separator: ", ")
                return [
                    Finding(
                        "schema", name, .alarm,
                        "has migrations that were applied from another text: \(names)",
                        mend: "find out which program applied them; `tally migrate --status` lists them")
                ]
            }
            if !schema.missing.isEmpty {
                let names = schema.missing.joined(separator: ", ")
                return [
                    Finding("schema", name, .alarm, "lacks migrations: \(names)", mend: "`tally migrate`")
                ]
            }
            return [Finding("schema", name, .good, "has all \(schema.count) migrations")]
        }
    }

    // MARK: Clocks

    /// This machine's, each Redis', and Postgres'. Leases are judged by Redis' alone; ids, creation and the age of
    /// outbox rows by Postgres'.
    var ofClocks: [Finding] {
        var readings: [(name: String, clock: ClockReading)] = []
        for (part, asked) in queues {
            if case .told(let vitals) = asked, let clock = vitals.clock {
                readings.append((part.name("redis"), clock))
            }
        }
        if case .told(let vitals) = ledger { readings.append(("postgres", vitals.clock)) }
        if readings.isEmpty { return [] }
        let wrong = readings.filter { $0.clock.skew.magnitude > Limits.clockSkew }
        if !wrong.isEmpty {
            return wrong.map { name, clock -> Finding in
                let way = clock.skew > .zero ? "ahead of" : "behind"
                return Finding(
                    "clock", name, .mend, "has a clock \(clock.skew.magnitude.short) \(way) this machine's",
                    mend: "let all of them follow one time server (NTP)")
            }
        }
        // Two that each are near enough to this machine may still be apart.
        let skews = readings.map(\.clock.skew)
        let apart = (skews.max() ?? .zero) - (skews.min() ?? .zero)
        if apart > Limits.clockSkew {
            return [
                Finding(
                    "clock", "halves", .mend, "have clocks that are \(apart.short) apart",
                    mend: "let all of them follow one time server (NTP)")
            ]
        }
        return [Finding("clock", "halves", .good, "have clocks that agree with this machine's")]
    }

    // MARK: Pairing, counts, duties

    static func ofOpening(_ asked: Asked<Bool>) -> [Finding] {
        switch asked {
        case .nobody: []
        case .told: [Finding("pairing", "halves", .good, "belong together")]
        case .failed(let why):
            [
                Finding(
                    "pairing", "halves", .alarm, "cannot be used together: \(why)",
                    mend: "do what it says; ops/runbooks/README.md has more")
            ]
        }
    }

    static func ofShard(_ shard: ShardStanding) -> [Finding] {
        // One that is away was told already.
        guard let history = shard.history else { return [] }
        let name = shard.part.name("redis")
        var all: [Finding] = []
        if let time = history.opensIn {
            all.append(
                Finding(
                    "held_epoch", name, .note, "hands out nothing for \(time.short): it began a new history",
                    mend: "`tally serve` compares the halves and opens it at once"))
        }
        let percent = history.logLength * 100 / Limits.logEntries
        if percent >= Limits.tightPercent {
            all.append(
                Finding(
                    "log", name, percent >= Limits.fullPercent ? .alarm : .mend,
                    "keeps \(history.logLength) of \(Limits.logEntries) log entries; then enqueues are refused",
                    mend: "see that the mirror of `tally serve` follows: `tally stats` says why it does not"))
        }
        return all
    }

    static func ofDuties(_ asked: Asked<[DutyStanding]>) -> [Finding] {
        guard case .told(let duties) = asked else { return unread("duties", "duties", asked) }
        if duties.isEmpty {
            return [
                Finding(
                    "duties", "duties", .mend,
                    "have never been reported: nobody mirrors, relays and reclaims",
                    mend: "keep `tally serve` running; ops/systemd has units")
            ]
        }
        let all = duties.filter(\.isSilent).map { duty in
            let time = duty.succeeded.map { "for \($0.short)" } ?? "yet"
            let why = duty.error.isEmpty ? "" : ": \(duty.error)"
            return Finding(
                "duties", "duties", .alarm, "\(duty.name) has not succeeded \(time)\(why)",
                mend: "see that `tally serve` runs; it reported last from \(duty.holder)")
        }
        if !all.isEmpty { return all }
        // They may be as new as this. None is good before it has done its work once, and none is silent yet either.
        let fresh = duties.filter { $0.succeeded == nil }
        if !fresh.isEmpty {
            let names = fresh.map(\.name).joined(separator: ", ")
            return [
                Finding(
                    "duties", "duties", .note,
                    "\(fresh.count) of \(duties.count) have never succeeded, and are still within their limits: "
                        + names,
                    mend: "ask again in a moment")
            ]
        }
        return [Finding("duties", "duties", .good, "all \(duties.count) succeed within their limits")]
    }

    /// What could not be read though its store is there.
    private static func unread<Value>(_ code: String, _ subject: String, _ asked: Asked<Value>) -> [Finding] {
        guard case .failed(let why) = asked else { return [] }
        return [Finding(code, subject, .mend, "cannot be read: \(why)", mend: "mend what it names")]
    }

    static func ofTotals(_ asked: Asked<Balances>) -> [Finding] {
        guard case .told(let totals) = asked else { return unread("totals", "postgres", asked) }
        var all: [Finding] = []
        if totals.outboxAge > Limits.outboxAge {
            all.append(
                Finding(
                    "outbox", "halves", .mend,
                    "have \(totals.outbox) jobs in the outbox, the oldest for \(totals.outboxAge.short)",
                    mend: "see that the relay of `tally serve` runs and no queue is full; ops/runbooks/D34.md"
                ))
        } else {
            all.append(Finding("outbox", "halves", .good, "have \(totals.outbox) jobs in the outbox"))
        }
        if totals.quarantined > 0 {
            all.append(
                Finding(
                    "quarantine", "halves", .mend, "have \(totals.quarantined) rows in quarantine",
                    mend: "`tally reconcile` names them; ops/runbooks/D19.md"))
        }
        return all
    }

    static func ofComparison(_ asked: Asked<Duration?>) -> [Finding] {
        guard case .told(let age) = asked else { return unread("compared", "halves", asked) }
        guard let age else {
            return [
                Finding(
                    "compared", "halves", .note, "have never been compared in full",
                    mend: "`tally serve` does so round by round; ops/nightly does so every night")
            ]
        }
        let text = "were last compared in full \(age.short) ago"
        if age <= Limits.compared { return [Finding("compared", "halves", .good, text)] }
        return [
            Finding(
                "compared", "halves", .mend, text,
                mend: "`tally reconcile --full`; ops/nightly does so every night")
        ]
    }

    // MARK: Workers and months

    static func ofWorkers(_ asked: Asked<WorkersReport>) -> [Finding] {
        guard case .told(let report) = asked else { return unread("workers", "duties", asked) }
        let running = report.rows.filter { $0.status == "running" }.count
        let lost = report.rows.filter { $0.status == "lost" }.count
        var all = [
            Finding(
                "workers", "duties", running > 0 ? .good : .note,
                running == 1 ? "1 worker runs" : "\(running) workers run")
        ]
        if lost > 0 {
            all.append(
                Finding(
                    "workers_lost", "duties", .note,
                    "\(lost) workers fell silent without a word: their jobs are reclaimed",
                    mend: "`tally workers` names them"))
        }
        return all
    }

    static func ofOlder(_ asked: Asked<[String]>) -> [Finding] {
        guard case .told(let older) = asked else { return unread("paused_types", "duties", asked) }
        if older.isEmpty { return [] }
        return [
            Finding(
                "paused_types", "duties", .mend,
                "a type is paused while older programs run that take no notice of it: "
                    + "\(OlderPrograms.names(older)); \(PausedTypeNotice.harm)",
                mend: PausedTypeNotice.mend)
        ]
    }

    static func ofPartitions(_ asked: Asked<PartitionsReport>) -> [Finding] {
        let name = "postgres"
        guard case .told(let report) = asked else { return unread("partitions", name, asked) }
        var all: [Finding] = []
        if !report.missing.isEmpty {
            all.append(
                Finding(
                    "partitions", name, report.isUrgent ? .alarm : .mend,
                    "lacks partitions: \(report.missing.joined(separator: ", "))",
                    mend: "`tally partitions make`; `tally serve` does so every hour"))
        }
        for (table, rows) in report.defaults where rows > 0 {
            all.append(
                Finding(
                    "partitions", name, .mend, "has \(rows) rows in the DEFAULT partition of \(table)",
                    mend: "`tally partitions split`"))
        }
        if all.isEmpty { all.append(Finding("partitions", name, .good, "has its months ahead")) }
        return all
    }
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
