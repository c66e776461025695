import CLabSQL
import TallyPostgres
import TallyPostgresClient

/// The files below `sql/lab`: statements of the bench, the drill and the demo's report, which no product needs.
enum LabSQL {
    private static let folder = SQLFolder { name in tally_lab_sql(name).map { String(cString: $0) } }

    /// - Parameter name: a file below `sql/lab`, without its ending.
    static func text(_ name: String, for ledger: PostgresLedger) -> String {
        Statements(schema: ledger.configuration.schema, of: folder, [name])[name]
    }
}
