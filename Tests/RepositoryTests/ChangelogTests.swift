import Foundation
import TallyCore
import Testing

@Suite(.onOwnThread) struct `The changelog` {
    private let page: String

    init() throws { page = try Tree.text("Sources/Tallystick/Tallystick.docc/Changelog.md") }

    /// Each section's heading with what stands below it.
    private var sections: [(heading: String, text: String)] {
        page.components(separatedBy: "\n## ").dropFirst().map { part in
            let heading = part.prefix { $0 != "\n" }
            return (String(heading), String(part.dropFirst(heading.count)))
        }
    }

    @Test func `begins with what is not out yet, then goes back day by day`() {
        let headings = sections.map(\.heading)
        let days = Array(headings.dropFirst())

        #expect(headings.first == "Unreleased" && days.count >= 3)
        #expect(days.allSatisfy { $0.holds(#"^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"#) }, "\(days)")
        #expect(days == Set(days).sorted(by: >))
        #expect(page.contains("says \(tallyVersion)"))
    }

    @Test func `says in each section first what breaks and what to do, then what is new`() {
        for (heading, text) in sections {
            let parts = text.components(separatedBy: "\n### ").dropFirst()
            let names = parts.map { String($0.prefix { $0 != "\n" }) }

            #expect(names == ["What breaks, and what to do", "New"], "\(heading)")
            #expect(parts.allSatisfy { $0.contains("\n* ") }, "\(heading)")
        }
    }
}
