import Foundation
import TallyDuties
import Testing

/// The pages below `Tallystick.docc`, and README: what they name is there.
@Suite(.onOwnThread) struct `The documentation` {
    private static let folder = "Sources/Tallystick/Tallystick.docc"
    private let pages: [String: String]

    init() throws {
        var pages: [String: String] = [:]
        for path in try Tree.files(Self.folder, "md") {
            pages[String(path.dropFirst(Self.folder.count + 1).dropLast(".md".count))] = try Tree.text(path)
        }
        self.pages = pages
    }

    /// The changelog names what was there once.
    private func present() throws -> [String: String] {
        var present = pages
        present["Changelog"] = nil
        present["README"] = try Tree.text("README.md")
        return present
    }

    @Test func `lists each of its pages once, and its links lead to pages`() throws {
        let listed = try #require(pages["Tallystick"]).matches(#"^- <doc:([A-Za-z]+)>$"#).map { $0[0] }

        #expect(listed.count == Set(listed).count)
        #expect(Set(listed) == Set(pages.keys).subtracting(["Tallystick"]))
        for (name, text) in pages {
            for link in text.matches(#"<doc:([A-Za-z]+)>"#).map({ $0[0] }) {
                #expect(pages[link] != nil, "\(name): \(link)")
            }
        }
    }

    @Test func `names files and folders that are there`() throws {
        var count = 0
        for (name, text) in try present() {
            let paths = text.matches(#"`((?:ops|sql|Tests|Sources|dashboards)/[A-Za-z0-9_./@+-]+)`"#)
            for path in paths.map({ $0[0] }) {
                let place = Tree.root.appendingPathComponent(path).path
                #expect(FileManager.default.fileExists(atPath: place), "\(name): \(path)")
                count += 1
            }
        }
        #expect(count > 50)
    }

    @Test func `names codes of drift that the reconciler has`() throws {
        let known = Set(Drift.allCases.map(\.rawValue))
        var met: Set<String> = []
        for (name, text) in try present() {
            let codes = Set(text.matches(#"\bD[0-9]{2}\b"#).map { $0[0] })
            #expect(codes.isSubset(of: known), "\(name): \(codes.subtracting(known))")
            met.formUnion(codes)
        }
        #expect(met.count > 10)
    }

    @Test func `shows commands that the programs have`() throws {
        let commands = try `The README`.commands()
        var count = 0
        for (name, text) in try present() {
            for words in text.matches(#"(?:`|^    )(tally|tally-lab) ([a-z-]+)"#) {
                #expect(commands[words[0]]?[words[1]] != nil, "\(name): \(words[0]) \(words[1])")
                count += 1
            }
        }
        #expect(count > 50)
    }
}
