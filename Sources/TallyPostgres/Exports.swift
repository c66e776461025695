// A ledger is opened with the client's configuration, and hands out its transactions.
@_exported import TallyPostgresClient
