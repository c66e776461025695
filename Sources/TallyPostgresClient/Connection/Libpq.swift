import CLibpq
import Glibc
import TallyConnections

// All that is known of libpq: no other file imports it. Whoever reads on needs no manual of C.

/// A `PGconn`, in the words of Swift: no waits, no deadlines, no errors of ours. It is closed once, by `close()`; no
/// call may follow.
struct LibpqConnection {
    private let handle: OpaquePointer

    /// Connects, and blocks for as long as the settings allow; nil = libpq is out of memory. Whether it is connected
    /// `isConnected` says. Of a setting that comes twice the last counts.
    init?(_ settings: [(name: String, value: String)]) {
        let names = settings.map { strdup($0.name) }
        let values = settings.map { strdup($0.value) }
        defer { for text in names + values { free(text) } }  // libpq copies them
        let opened = (names.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { names in
            (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
                PQconnectdbParams(names.baseAddress, values.baseAddress, 1)
            }
        }
        guard let opened else { return nil }
        handle = opened
    }

    /// Frees it, and ends the session where there is one.
    func close() { PQfinish(handle) }

    var isConnected: Bool { PQstatus(handle) == CONNECTION_OK }
    /// Whether no statement is under way and no transaction is open, by what this side has read.
    var isIdle: Bool { PQtransactionStatus(handle) == PQTRANS_IDLE }
    var socket: Int32 { PQsocket(handle) }
    /// Whether nobody on the way can read what is sent.
    var isEncrypted: Bool { PQsslInUse(handle) == 1 || PQgssEncInUse(handle) == 1 }
    /// The name, address or path of the server that took the connection.
    var host: String { PQhost(handle).map { String(cString: $0) } ?? "" }
    /// What one of its settings is, by the address, the environment or libpq itself.
    func setting(_ name: String) -> String? {
        guard let all = PQconninfo(handle) else { return nil }
        defer { PQconninfoFree(all) }
        var at = all
        while let keyword = at.pointee.keyword {
            if String(cString: keyword) == name { return at.pointee.val.map { String(cString: $0) } }
            at += 1
        }
        return nil
    }
    /// What the last failure was, in one or several lines; it may hold the password.
    var message: String { String(cString: PQerrorMessage(handle)) }

    /// Connects once more, to hear the refusal in libpq's verbose words: only those name the SQLSTATE.
    func messageOfAnotherTry() -> String {
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQreset(handle)
        defer { PQsetErrorVerbosity(handle, PQERRORS_DEFAULT) }
        return message
    }

    /// From now on no call blocks, and the server's notices go nowhere.
    func becomeNonblocking() {
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        PQsetnonblocking(handle, 1)
    }

    // MARK: Sending

    /// One statement, its values and its rows in binary. False: it cannot be sent any more.
    func send(_ sql: String, _ parameters: Parameters) -> Bool {
        parameters.withPointers { count, types, values, lengths, formats in
            PQsendQueryParams(handle, sql, count, types, values, lengths, formats, 1)
        } != 0
    }
    /// Several statements without values, as one text.
    func send(script: String) -> Bool { PQsendQuery(handle, script) != 0 }

    /// How a non-blocking call went: done, not yet, or never.
    enum Progress { case done, again, failed }

    private func progress(_ code: Int32, done: Int32) -> Progress {
        code < 0 ? .failed : code == done ? .done : .again
    }
    func flush() -> Progress { progress(PQflush(handle), done: 0) }
    func put(copy piece: [UInt8]) -> Progress {
        let taken = piece.withUnsafeBytes {
            PQputCopyData(handle, $0.baseAddress!.assumingMemoryBound(to: CChar.self), Int32(piece.count))
        }
        return progress(taken, done: 1)
    }
    func endCopy() -> Progress { progress(PQputCopyEnd(handle, nil), done: 1) }

    // MARK: Reading

    /// Reads what has arrived. False: the connection is lost.
    func consume() -> Bool { PQconsumeInput(handle) != 0 }
    /// Whether the next result is not here yet.
    var isBusy: Bool { PQisBusy(handle) == 1 }
    /// The next result of the statement; nil = there is none.
    func next() -> LibpqResult? { PQgetResult(handle).map { LibpqResult($0) } }

    /// Asks the server to stop the statement, on a thread of its own: that connects anew and may hang. It may come
    /// too late, or not at all where there is no thread for it; nobody waits for it.
    func cancel() {
        guard let cancel = PQgetCancel(handle) else { return }
        let address = UInt(bitPattern: cancel)  // its thread owns it from here
        do throws(ThreadNotStarted) {
            try startThread {
                let cancel = OpaquePointer(bitPattern: address)
                var text = [CChar](repeating: 0, count: 256)
                _ = PQcancel(cancel, &text, Int32(text.count))
                PQfreeCancel(cancel)
            }
        } catch {
            PQfreeCancel(cancel)
        }
    }
}

/// A `PGresult`, which it owns and frees.
final class LibpqResult {
    /// What the server answered.
    enum Kind { case rows, copyIn, otherCopy, failure }

    private let result: OpaquePointer

    /// Takes the result over.
    init(_ result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    var kind: Kind {
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .rows
        case PGRES_COPY_IN: .copyIn
        case PGRES_COPY_OUT, PGRES_COPY_BOTH: .otherCopy
        default: .failure
        }
    }

    /// The parts of a refusal, by the letters of the protocol.
    enum Field: Int32 {
        case sqlState = 67  // C
        case primary = 77  // M
        case constraint = 110  // n
        case severity = 86  // V, not localised
    }
    /// "" where the server did not say it.
    func error(_ field: Field) -> String {
        PQresultErrorField(result, field.rawValue).map { String(cString: $0) } ?? ""
    }

    var rowCount: Int { Int(PQntuples(result)) }
    var columnCount: Int { Int(PQnfields(result)) }
    /// What the server says it did: `COMMIT`, `INSERT 0 3`.
    var command: String { String(cString: PQcmdStatus(result)) }
    /// The oid of a column's type.
    func type(_ column: Int) -> UInt32 { PQftype(result, Int32(column)) }
    /// The bytes of a field, for as long as the result lives; nil = NULL.
    func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        if PQgetisnull(result, Int32(row), Int32(column)) == 1 { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(result, Int32(row), Int32(column)),
            count: Int(PQgetlength(result, Int32(row), Int32(column))))
    }
}

/// What libpq itself says of itself.
enum Libpq {
    /// The names of the options that an address may have.
    static let options: Set<String> = {
        var names: Set<String> = []
        guard let defaults = PQconndefaults() else { return names }
        defer { PQconninfoFree(defaults) }
        var option = defaults
        while let keyword = option.pointee.keyword {
            names.insert(String(cString: keyword))
            option += 1
        }
        return names
    }()
}
