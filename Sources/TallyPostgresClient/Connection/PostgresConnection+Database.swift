import TallyCore

extension PostgresConnection {
    /// Whether this database can hold a ledger, and its settings for this login are those that the statements are
    /// written for.
    ///
    /// Of what a role may set, level and strings change what the statements and functions of a schema mean. Forms of
    /// dates, intervals, numbers and bytes do not, for values travel in binary; nor do paths, for every name stands
    /// with its schema; nor time zones, for months are cut in UTC. That transactions only read is no reason not to
    /// open: each refused write tells it, and reading goes on.
    ///
    /// - Throws: `.unsupported`, with what is wrong and how to mend it.
    package func checkDatabase() throws(LedgerError) {
        let rows = try run(.ping)
        let name = rows.text(0, 2) ?? ""
        try checkEncoding(rows.text(0, 1) ?? "", of: name)
        try checkIsolation(rows.text(0, 3) ?? "", of: name)
        try checkStrings(rows.text(0, 4) ?? "", of: name)
    }

    /// Text of jobs is UTF-8, and one that the database cannot hold would stand at the head of the mirror for ever.
    private func checkEncoding(_ encoding: String, of name: String) throws(LedgerError) {
        if encoding == "UTF8" { return }
        throw LedgerError(
            .unsupported, operation,
            "database \(name) has the encoding \(encoding), which does not hold every text; a ledger needs UTF8: "
                + "`createdb -E UTF8 -T template0 NEW` makes such a database; "
                + "`pg_dump -n SCHEMA -d \(Pasted.word(name)) | psql NEW` takes a ledger over while `tally serve` "
                + "and clients are stopped; then put NEW into TALLY_POSTGRES_URL")
    }

    /// A statement that commits by itself runs at the login's own level, and above this one Postgres breaks it off
    /// whenever a neighbour commits first: enqueues would fail at random. No session setting mends it, for a pooler
    /// hands sessions about.
    private func checkIsolation(_ level: String, of name: String) throws(LedgerError) {
        // Postgres runs the lowest level as read committed.
        if level == "read committed" || level == "read uncommitted" { return }
        throw LedgerError(
            .unsupported, operation,
            "transactions of this login in database \(name) begin as \(level); a ledger needs read committed: "
                + "`ALTER ROLE LOGIN IN DATABASE \(Pasted.identifier(name)) SET default_transaction_isolation "
                + "= 'read committed'`; the application's own transactions may ask for another level as they "
                + "begin")
    }

    /// Functions of the schema are compiled anew in each session, by its own setting: with this one off the
    /// partitions of all months seem to be missing.
    private func checkStrings(_ setting: String, of name: String) throws(LedgerError) {
        if setting == "on" { return }
        throw LedgerError(
            .unsupported, operation,
            "standard_conforming_strings is \(setting) for this login in database \(name), and functions of a ledger "
                + "need it on: `ALTER ROLE LOGIN IN DATABASE \(Pasted.identifier(name)) SET "
                + "standard_conforming_strings = on`; an application that was written for the old way sets it off "
                + "in sessions of its own")
    }
}
