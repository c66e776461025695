/// A server's clock as it was read from this machine.
package struct ClockReading: Hashable, Sendable {
    /// What the server showed.
    package var server: Timestamp
    /// What this machine showed before it asked.
    package var before: Timestamp
    /// What it showed when the answer had come.
    package var after: Timestamp

    /// A reading between two moments of this machine.
    package init(server: Timestamp, before: Timestamp, after: Timestamp) {
        self.server = server
        self.before = before
        self.after = after
    }

    /// How far the server is ahead of this machine; nothing within the time that the asking took, for then nobody can
    /// say.
    package var skew: Duration {
        if server > after { return server - after }
        if server < before { return server - before }
        return .zero
    }
}
