import Foundation
import Synchronization
import Testing

/// What was found out once, by its name: these tests ask the same of the same files and by the same patterns again and
/// again, and the tree stands still while they run.
private final class Kept<Value: Sendable>: Sendable {
    private let values = Mutex<[String: Value]>([:])

    func value(of name: String, _ find: () throws -> Value) rethrows -> Value {
        if let kept = values.withLock({ $0[name] }) { return kept }
        let found = try find()
        values.withLock { $0[name] = found }
        return found
    }
}

/// The working tree that these tests were compiled from.
enum Tree {
    private static let paths = Kept<[String]>()
    private static let split = Kept<[String]>()

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Paths from the root of the files below a folder, in order.
    static func files(_ folder: String, _ endings: String...) throws -> [String] {
        let all = try paths.value(of: folder) {
            let found = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
            return try #require(found, "\(folder)").compactMap { ($0 as? String).map { "\(folder)/\($0)" } }
                .sorted()
        }
        return all.filter { path in endings.contains { path.hasSuffix(".\($0)") } }
    }

    static func folders(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)
            .filter { isFolder("\(folder)/\($0)") }.sorted()
    }

    /// Paths of the files right in a folder whose names have no ending: its scripts.
    static func scripts(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)
            .filter { !$0.contains(".") }.map { "\(folder)/\($0)" }.filter { !isFolder($0) }.sorted()
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(
            atPath: root.appendingPathComponent(path).path, isDirectory: &isFolder) && isFolder.boolValue
    }

    static func lines(_ path: String) throws -> [String] {
        try split.value(of: path) {
            try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Every place in files of these folders where a line breaks a rule, as `path:line`.
    static func places(
        _ folders: [String], _ endings: String..., where breaks: (_ lines: [String], _ index: Int) -> Bool
    ) throws -> [String] {
        var found: [String] = []
        for folder in folders {
            for ending in endings {
                for path in try files(folder, ending) {
                    let lines = try lines(path)
                    for index in lines.indices where breaks(lines, index) {
                        found.append("\(path):\(index + 1)")
                    }
                }
            }
        }
        return found
    }
}

extension Int {
    /// With a comma between thousands.
    var grouped: String {
        var digits = String(self)
        var at = digits.count - 3
        while at > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: at))
            at -= 3
        }
        return digits
    }
}

/// Each is compiled once: that costs many times what it does to look for one in a line.
private enum Pattern {
    private static let texts = Kept<NSRegularExpression>()
    private static let lines = Kept<NSRegularExpression>()

    /// `^` and `$` are the ends of the text.
    static func ofText(_ pattern: String) -> NSRegularExpression {
        texts.value(of: pattern) { try! NSRegularExpression(pattern: pattern) }
    }
    /// `^` and `$` are the ends of each line.
    static func ofLines(_ pattern: String) -> NSRegularExpression {
        lines.value(of: pattern) {
            try! NSRegularExpression(pattern: pattern, options: [.anchorsMatchLines])
        }
    }
}

extension String {
    private var whole: NSRange { NSRange(startIndex..., in: self) }

    /// Every match of a pattern; of each the groups, or the whole where it has none.
    func matches(_ pattern: String) -> [[String]] {
        Pattern.ofLines(pattern).matches(in: self, range: whole).map { match in
            let groups = match.numberOfRanges > 1 ? 1..<match.numberOfRanges : 0..<1
            return groups.map { Range(match.range(at: $0), in: self).map { String(self[$0]) } ?? "" }
        }
    }

    func holds(_ pattern: String) -> Bool {
        Pattern.ofText(pattern).firstMatch(in: self, range: whole) != nil
    }

    /// The text between two marks, both left out.
    func between(_ start: String, _ end: String) -> String? {
        guard let from = range(of: start)?.upperBound, let to = range(of: end, range: from..<endIndex) else {
            return nil
        }
        return String(self[from..<to.lowerBound])
    }
}
