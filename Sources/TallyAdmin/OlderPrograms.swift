import TallyCore

/// How a message names programs that are too old for what was asked.
package enum OlderPrograms {
    /// A worker, with where it runs.
    static func name(_ beat: WorkerBeat) -> String { "\(beat.id.text) (\(beat.host):\(beat.pid))" }

    /// A few of many, for people.
    package static func names(_ all: [String]) -> String {
        let shown = all.prefix(Limits.olderNamed).map { Printable.text($0) }.joined(separator: ", ")
        let more = all.count - Limits.olderNamed
        return more > 0 ? "\(shown) and \(more) more" : shown
    }
}
