import TallyCore

extension PostgresConnection {
    /// Text of jobs is UTF-8, and one that the database cannot hold would stand at the head of the mirror for ever.
    ///
    /// - Throws: `.unsupported`, with how to come by a database that can.
    package func checkEncoding() throws(LedgerError) {
        let rows = try run(.ping)
        let encoding = rows.text(0, 1) ?? ""
        if encoding == "UTF8" { return }
        let name = rows.text(0, 2) ?? ""
        throw LedgerError(
            .unsupported, operation,
            "database \(name) has the encoding \(encoding), which does not hold every text; a ledger needs UTF8: "
                + "`createdb -E UTF8 -T template0 NEW` makes such a database; `pg_dump -n SCHEMA \(name) | psql NEW` "
                + "takes a ledger over while `tally serve` and clients are stopped; then put NEW into "
                + "TALLY_POSTGRES_URL")
    }
}
