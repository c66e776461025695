import TallyCore

/// What of a dashboard is looked at.
package struct DashView: Hashable, Sendable {
    /// One page of it.
    package enum Panel: String, CaseIterable, Sendable {
        /// What waits and runs in each queue.
        case queues
        /// Who runs what.
        case workers
        /// Dead letters, the newest first.
        case failures
        /// Where the halves do not match, and what keeps them apart.
        case drift
    }
    /// What a key does.
    package enum Move: Hashable, Sendable {
        /// To another panel.
        case next, previous
        /// Through the rows of this one.
        case up, down, pageUp, pageDown
    }

    /// The panel that is shown.
    package var panel = Panel.queues
    /// The first row of it that is shown.
    package var first = 0

    /// The first panel from its first row.
    package init() {}

    /// - Parameter page: how many rows are shown at once.
    package mutating func take(_ move: Move, page: Int) {
        switch move {
        case .next: turn(by: 1)
        case .previous: turn(by: Panel.allCases.count - 1)
        case .up: first = max(0, first - 1)
        case .down: first += 1
        case .pageUp: first = max(0, first - max(1, page))
        case .pageDown: first += max(1, page)
        }
    }

    private mutating func turn(by places: Int) {
        let panels = Panel.allCases
        let at = panels.firstIndex(of: panel) ?? 0
        panel = panels[(at + places) % panels.count]
        first = 0
    }
}
