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

    @Test func `begins with what is not out yet, then goes back by version, each with its day`() throws {
        let headings = sections.map(\.heading)
        let form = #"^([0-9]+\.[0-9]+\.[0-9]+(?:-beta\.[0-9]+)?), (20[0-9]{2}-[01][0-9]-[0-3][0-9])$"#
        let versions = headings.dropFirst().map { $0.matches(form).first }
        let days = versions.compactMap { $0?[1] }

        #expect(headings.first == "Unreleased" && versions.count >= 3)
        #expect(versions.allSatisfy { $0 != nil }, "\(headings)")
        #expect(Set(versions.compactMap { $0?[0] }).count == versions.count)
        #expect(days == Set(days).sorted(by: >))
        // The newest version is what a program says, and what the page on installing asks for.
        #expect(versions.first??[0] == tallyVersion && page.contains("says \(tallyVersion)"))
        #expect(try Tree.text("README.md").contains("from: \"\(tallyVersion)\""))
    }

    @Test func `names in each section its newest migration and record layout`() throws {
        let migrations = try Tree.files("sql/migrations", "sql").map {
            String($0.split(separator: "/").last!.dropLast(4))
        }
        let named = try sections.map { heading, text in
            try #require(
                text.matches(#"^Newest migration: `([0-9a-z_]+)`\. Newest record layout: ([0-9]+)\.$"#).first,
                "\(heading)")
        }

        #expect(named.first?[0] == migrations.last)
        #expect(named.first?[1] == "\(JobRecord.newestLayout)")
        for (newer, older) in zip(named, named.dropFirst()) {
            #expect(migrations.contains(older[0]) && newer[0] >= older[0] && newer[1] >= older[1])
        }
    }

    @Test func `opens each section with two or three stories`() {
        for (heading, text) in sections {
            let opening = text.components(separatedBy: "\n### ")[0]
            let stories = opening.components(separatedBy: "\n\n").filter { $0.hasPrefix("**") }
            // A problem in bold, then its consequence and the change.
            #expect((2...3).contains(stories.count), "\(heading)")
            for story in stories {
                let sentences = story.components(separatedBy: ".** ").last?.matches(#"\.(?:\s|$)"#).count ?? 0
                #expect(story.contains(".** ") && sentences >= 2, "\(heading): \(story)")
            }
        }
    }

    @Test func `says in each section first what breaks and what to do, then what is new`() {
        for (heading, text) in sections {
            let parts = text.components(separatedBy: "\n### ").dropFirst()
            let names = parts.map { String($0.prefix { $0 != "\n" }) }

            #expect(names == ["What breaks, and what to do", "New"], "\(heading)")
            #expect(parts.allSatisfy { $0.contains("\n* ") }, "\(heading)")
        }
    }

    @Test func `keeps to 132 columns, and tells nothing twice`() throws {
        let wide = page.split(separator: "\n").filter { $0.count > 132 }
        #expect(wide == [])

        for (heading, text) in sections {
            // What a point is about stands in bold, or on its first line.
            let points = text.matches(#"^\* (\*\*[^\n]+?\*\*|[^\n]+)"#).map { $0[0] }
            #expect(points.count == Set(points).count, "\(heading)")
        }
    }

    @Test func `says of what has another name now both names`() {
        var renamed = 0
        for (heading, text) in sections {
            for names in text.matches(#"\* \*\*`([^`\n]+)`[^`\n]* is `([^`\n]+)`"#) {
                #expect(names[0] != names[1], "\(heading)")
                renamed += 1
            }
        }
        #expect(renamed > 0)
    }
}
