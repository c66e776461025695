import TallyCore
import TallyPostgresClient

/// A mirror batch in Postgres' binary forms. Columns stand in the order of the statements in sql/mirror.
package enum BatchRows {
    // MARK: COPY

    static func copy(of events: [JobEvent]) -> CopyRows {
        CopyRows(events, columns: 12) { out, event in
            out.appendField {
                $0.append(event.job); return true
            }
            out.appendField {
                $0.appendBigEndian(event.position.shard.number); return true
            }
            out.appendField {
                $0.appendBigEndian(event.position.epoch); return true
            }
            out.appendField {
                $0.appendBigEndian(event.position.seq); return true
            }
            out.appendField {
                $0.appendTime(event.at); return true
            }
            out.appendField { $0.appendWord(event.verb.rawValue) }
            out.appendField { $0.appendWord(event.from?.rawValue) }
            out.appendField { $0.appendWord(event.to.rawValue) }
            out.appendField { $0.appendOptional(Int32(clamping: event.version)) }
            out.appendField { $0.appendOptional(event.attempts.map { Int32(clamping: $0) }) }
            out.appendField { $0.appendOptional(event.actor) }
            out.appendField { $0.appendOptional(event.error) }
        }
    }

    /// The rows that a batch creates, as sql/mirror/copy_jobs.sql takes them.
    package static func copy(of jobs: [JobSnapshot]) -> CopyRows {
        CopyRows(jobs, columns: 38) { out, job in
            let row = CreatedRow(job)
            let record = job.record
            out.appendField {
                $0.append(record.id); return true
            }
            out.appendField { $0.appendOptional(record.type.text) }
            out.appendField { $0.appendJSON(record.body, row.projection) }
            out.appendField { $0.appendWord(job.status.rawValue) }
            out.appendField { out in row.result.map { out.appendJSON(job.result ?? [], $0) } ?? false }
            out.appendField { $0.appendOptional(job.error) }
            for number in [job.attempts, record.maxAttempts] {
                out.appendField { $0.appendOptional(Int32(clamping: number)) }
            }
            for time in [record.createdAt, row.updatedAt, row.scheduledAt, job.startedAt, row.completedAt] {
                out.appendField { $0.appendOptional(time) }
            }
            out.appendField { $0.appendOptional(job.workerID?.text) }
            out.appendField { $0.appendOptional(record.queue.text) }
            out.appendField {
                $0.appendBigEndian(Int16(record.priority.rawValue)); return true
            }
            out.appendField { $0.appendOptional(Int32(clamping: job.version)) }
            out.appendField { $0.appendOptional(job.epoch) }
            out.appendField { $0.appendOptional(job.seq) }
            for number in [job.crashes, record.maxCrashes, record.attempts] {
                out.appendField { $0.appendOptional(Int32(clamping: number)) }
            }
            out.appendField { $0.appendOptional(row.runAt) }
            out.appendField { $0.appendOptional(row.failedAt) }
            out.appendField { $0.appendOptional(record.timeout?.microseconds) }
            out.appendField { $0.appendOptional(record.unique?.text) }
            out.appendField { $0.appendOptional(record.unique?.storedLifetime) }
            out.appendField {
                $0.appendBigEndian(XXH64.hash(record.body)); return true
            }
            out.appendField { $0.appendOptional(record.codec) }
            out.appendField { $0.appendOptional(record.trace) }
            out.appendField { $0.appendTextArray(record.tags) }
            out.appendField {
                $0.append(contentsOf: record.body); return true
            }
            out.appendField { $0.appendOptional(row.resultBody) }
            let headers = record.headers.isEmpty ? [] : record.sortedHeaders
            out.appendField { headers.isEmpty ? false : $0.appendTextArray(headers.map(\.name)) }
            out.appendField { headers.isEmpty ? false : $0.appendArray(.bytea, headers.map(\.value)) }
            out.appendField { $0.appendOptional(record.tenant) }
            out.appendField { $0.appendOptional(record.limitKey) }
            out.appendField { $0.appendOptional(record.notAfter) }
        }
    }

    // MARK: Arrays

    static func parameters(of events: [JobEvent], shard: Shard) -> Parameters {
        var all = Parameters()
        all.array(.uuid, events) {
            $0.append($1.job); return true
        }
        all.array(.int8, events) { $0.appendOptional($1.position.epoch) }
        all.array(.int8, events) { $0.appendOptional($1.position.seq) }
        all.array(.timestamptz, events) { $0.appendOptional($1.at) }
        all.array(.text, events) { $0.appendWord($1.verb.rawValue) }
        all.array(.text, events) { $0.appendWord($1.from?.rawValue) }
        all.array(.text, events) { $0.appendWord($1.to.rawValue) }
        all.array(.int4, events) { $0.appendOptional(Int32(clamping: $1.version)) }
        all.array(.int4, events) { $0.appendOptional($1.attempts.map { Int32(clamping: $0) }) }
        all.array(.text, events) { $0.appendOptional($1.actor) }
        all.array(.text, events) { $0.appendOptional($1.error) }
        all.int(Int64(shard.number))
        return all
    }

    static func parameters(of changes: [RowChange]) -> Parameters {
        let results = changes.map { change in
            change.result.flatMap { $0.isEmpty ? nil : Projection(of: $0, codec: "json") }
        }
        let ends = Array(zip(changes, results))
        var all = Parameters()
        all.reserve(changes.count * 220)
        all.array(.uuid, changes) {
            $0.append($1.id); return true
        }
        all.array(.int8, changes) { $0.appendOptional($1.epoch) }
        all.array(.int4, changes) { $0.appendOptional(Int32(clamping: $1.version)) }
        all.array(.int8, changes) { $0.appendOptional($1.seq) }
        all.array(.text, changes) { $0.appendWord($1.status.rawValue) }
        all.array(.timestamptz, changes) { $0.appendOptional($1.at) }
        all.array(.timestamptz, changes) { $0.appendOptional($1.startedAt) }
        all.array(.timestamptz, changes) { $0.appendOptional($1.completedAt) }
        all.array(.timestamptz, changes) { $0.appendOptional($1.scheduledAt) }
        all.array(.text, changes) { $0.appendOptional($1.workerID) }
        all.array(.int4, changes) { $0.appendOptional($1.attempts.map { Int32(clamping: $0) }) }
        all.array(.int4, changes) { $0.appendOptional($1.crashes.map { Int32(clamping: $0) }) }
        all.array(.text, changes) { $0.appendOptional($1.error) }
        all.array(.text, ends) { out, end in end.1.map { out.appendJSONText(end.0.result ?? [], $0) } ?? false
        }
        all.array(.bytea, ends) { out, end in end.1 == nil ? false : out.appendOptional(end.0.result) }
        all.array(.int4, changes) { $0.appendOptional($1.priority.map { Int32(clamping: $0.rawValue) }) }
        return all
    }

    static func parameters(ofResults results: [(id: JobID, bytes: [UInt8])]) -> Parameters {
        var all = Parameters()
        all.array(.uuid, results) {
            $0.append($1.id); return true
        }
        all.array(.text, results) {
            $0.appendJSONText($1.bytes, Projection(of: $1.bytes, codec: "json"))
        }
        all.array(.bytea, results) { $0.appendOptional($1.bytes) }
        return all
    }

    static func parameters(of rows: [CreatedRow]) -> Parameters {
        var all = Parameters()
        func ints(_ value: (CreatedRow) -> Int) {
            all.array(.int4, rows) { $0.appendOptional(Int32(clamping: value($1))) }
        }
        func longs(_ value: (CreatedRow) -> Int64?) {
            all.array(.int8, rows) { $0.appendOptional(value($1)) }
        }
        func texts(_ value: (CreatedRow) -> String?) {
            all.array(.text, rows) { $0.appendOptional(value($1)) }
        }
        func times(_ value: (CreatedRow) -> Timestamp?) {
            all.array(.timestamptz, rows) { $0.appendOptional(value($1)) }
        }
        all.array(.uuid, rows) {
            $0.append($1.job.record.id); return true
        }
        texts { $0.job.record.type.text }
        all.array(.text, rows) { $0.appendJSONText($1.job.record.body, $1.projection) }
        texts { $0.job.status.rawValue }
        all.array(.text, rows) { out, row in
            row.result.map { out.appendJSONText(row.job.result ?? [], $0) } ?? false
        }
        texts { $0.job.error }
        ints { $0.job.attempts }
        ints { $0.job.record.maxAttempts }
        times { $0.job.record.createdAt }
        times { $0.updatedAt }
        times { $0.scheduledAt }
        times { $0.job.startedAt }
        times { $0.completedAt }
        texts { $0.job.workerID?.text }
        texts { $0.job.record.queue.text }
        ints { $0.job.record.priority.rawValue }
        ints { $0.job.version }
        longs { $0.job.epoch }
        longs { $0.job.seq }
        ints { $0.job.crashes }
        ints { $0.job.record.maxCrashes }
        ints { $0.job.record.attempts }
        times { $0.runAt }
        times { $0.failedAt }
        longs { $0.job.record.timeout?.microseconds }
        texts { $0.job.record.unique?.text }
        longs { $0.job.record.unique?.storedLifetime }
        longs { Int64(bitPattern: XXH64.hash($0.job.record.body)) }
        texts { $0.job.record.codec }
        texts { $0.job.record.trace }
        texts { $0.job.record.tags.joined(separator: "\u{1F}") }
        all.array(.bytea, rows) {
            $0.append(contentsOf: $1.job.record.body); return true
        }
        all.array(.bytea, rows) { $0.appendOptional($1.resultBody) }
        addFields(of: rows, to: &all)
        return all
    }

    /// Those of record layout 2; empty where no job has any of them: nobody pays for what nobody uses.
    private static func addFields(of rows: [CreatedRow], to all: inout Parameters) {
        let fields = rows.contains { $0.job.record.layout > 1 } ? rows : []
        for text in [\.headerNames, \.headerValues, \.tenant, \.limitKey] as [KeyPath<JobRecord, String?>] {
            all.array(.text, fields) { $0.appendOptional($1.job.record[keyPath: text]) }
        }
        all.array(.timestamptz, fields) { $0.appendOptional($1.job.record.notAfter) }
    }

    /// The last report of each worker: an id must not come twice in one statement.
    static func parameters(
        of beats: [(beat: WorkerBeat, at: Timestamp, position: LogPosition)]
    ) -> Parameters {
        var last: [WorkerID: (beat: WorkerBeat, at: Timestamp, position: LogPosition)] = [:]
        for report in beats where last[report.beat.id].map({ $0.at <= report.at }) ?? true {
            last[report.beat.id] = report
        }
        let rows = Array(last.values)
        var all = Parameters()
        func texts(_ value: (WorkerBeat) -> String?) {
            all.array(.text, rows) { $0.appendOptional(value($1.beat)) }
        }
        texts { $0.id.text }
        texts { $0.status.rawValue }
        all.array(.timestamptz, rows) { $0.appendOptional($1.at) }
        texts { JSONText.list($0.types.map(\.text)) }
        texts { JSONText.list($0.queues.map(\.text)) }
        texts { $0.running.first?.description }
        texts {
            let about = "\"host\": \(JSONText.quoted($0.host)), \"pid\": \($0.pid)"
            let layout = $0.recordLayout.map { ", \"record_layout\": \($0)" } ?? ""
            let unknown = $0.unknown.map { ", \"unknown\": \(JSONText.counts($0))" } ?? ""
            let vitals = $0.vitals?.stored.map { ", \"vitals\": \($0)" } ?? ""
            return
                "{\(about), \"running\": \($0.running.count)\(layout)\(unknown)\(vitals)}"
        }
        texts { "{" + $0.running.map(\.description).joined(separator: ",") + "}" }
        all.array(.int4, rows) { $0.appendOptional(Int32(clamping: $1.beat.concurrency)) }
        all.array(.timestamptz, rows) { $0.appendOptional($1.beat.startedAt) }
        texts { $0.host }
        all.array(.int4, rows) { $0.appendOptional($1.beat.pid) }
        return all
    }

    static func parameters(of lines: [AttemptLine]) -> Parameters {
        var all = Parameters()
        all.array(.uuid, lines) {
            $0.append($1.job); return true
        }
        all.array(.int8, lines) { $0.appendOptional($1.epoch) }
        all.array(.int4, lines) { $0.appendOptional(Int32(clamping: $1.version)) }
        all.array(.int4, lines) { $0.appendOptional(Int32(clamping: $1.number)) }
        all.array(.timestamptz, lines) { $0.appendOptional($1.at) }
        all.array(.text, lines) { $0.appendOptional(ErrorText.clean($1.text, upTo: Limits.attemptLineBytes)) }
        return all
    }

    static func parameters(of aside: [Aside], shard: Shard) -> Parameters {
        var all = Parameters()
        all.array(.uuid, aside) {
            $0.append($1.job); return true
        }
        all.array(.int8, aside) { $0.appendOptional($1.position.epoch) }
        all.array(.int8, aside) { $0.appendOptional($1.position.seq) }
        all.array(.text, aside) { $0.appendOptional($1.source) }
        all.array(.text, aside) { $0.appendOptional($1.reason) }
        all.array(.bytea, aside) {
            $0.append(contentsOf: $1.raw); return true
        }
        all.int(Int64(shard.number))
        return all
    }
}

extension Array where Element == UInt8 {
    /// A word of ours, which holds no NUL.
    fileprivate mutating func appendWord(_ word: String?) -> Bool {
        if let word { append(contentsOf: word.utf8) }
        return word != nil
    }
    fileprivate mutating func appendJSONText(_ bytes: [UInt8], _ projection: Projection) -> Bool {
        if let marker = projection.marker {
            append(contentsOf: marker.utf8)
        } else {
            append(contentsOf: bytes)
        }
        return true
    }
    fileprivate mutating func appendJSON(_ bytes: [UInt8], _ projection: Projection) -> Bool {
        append(1)  // version of jsonb's binary form
        return appendJSONText(bytes, projection)
    }
    fileprivate mutating func appendTextArray(_ texts: [String]) -> Bool {
        appendArrayHead(.text, texts.count)
        for text in texts {
            appendField {
                $0.appendText(text); return true
            }
        }
        return true
    }
    fileprivate mutating func appendArray(_ kind: Parameters.Kind, _ items: [[UInt8]]) -> Bool {
        appendArrayHead(kind, items.count)
        for item in items {
            appendField {
                $0.append(contentsOf: item); return true
            }
        }
        return true
    }
    private mutating func appendArrayHead(_ kind: Parameters.Kind, _ count: Int) {
        appendBigEndian(Int32(count == 0 ? 0 : 1))
        appendBigEndian(Int32(0))
        appendBigEndian(kind.rawValue)
        if count == 0 { return }
        appendBigEndian(Int32(count))
        appendBigEndian(Int32(1))
    }
}
