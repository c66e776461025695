import Testing

/// A drawing out of words and box-drawing characters. Each verb stands in the course of a line that begins at the words
/// it leads from and ends with a head at those that it leads to; words with commas between them are several.
struct Drawing {
    private struct Label {
        let row: Int
        let columns: ClosedRange<Int>
        let list: [String]
    }

    private struct Direction: Equatable {
        let down: Int
        let right: Int

        static let east = Direction(down: 0, right: 1)
        static let west = Direction(down: 0, right: -1)
        static let north = Direction(down: -1, right: 0)
        static let south = Direction(down: 1, right: 0)
    }

    private let grid: [[Character]]
    private let labels: [Label]

    init(_ text: String) {
        let grid = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0) }
        self.grid = grid
        labels = grid.indices.flatMap { Self.labels(of: grid[$0], row: $0) }
    }

    private static func labels(of line: [Character], row: Int) -> [Label] {
        func isPart(_ column: Int) -> Bool {
            let isLetter = line[column].isLetter || line[column] == ","
            return isLetter || line[column] == " " && column > 0 && line[column - 1] == ","
        }
        var found: [Label] = []
        var start: Int?
        for column in 0...line.count {
            if column < line.count, isPart(column) {
                start = start ?? column
            } else if let first = start {
                let list = String(line[first..<column]).split { $0 == "," || $0 == " " }.map(String.init)
                found.append(Label(row: row, columns: first...(column - 1), list: list))
                start = nil
            }
        }
        return found
    }

    /// Each arrow as `verb from to`; a verb without a line that leads into it begins at a dash.
    func arrows(of verbs: Set<String>) throws -> [String] {
        var arrows: [String] = []
        for label in labels where verbs.isSuperset(of: label.list) {
            var (from, to): ([String], [String]) = ([], [])
            for (row, column, direction) in exits(of: label) {
                let end = try #require(
                    follow(row, column, direction), "\(label.list): the line breaks off")
                if end.hasHead { to += end.label.list } else { from += end.label.list }
            }
            for verb in label.list {
                for source in from.isEmpty ? ["–"] : from { arrows += to.map { "\(verb) \(source) \($0)" } }
            }
        }
        return arrows
    }

    private func at(_ row: Int, _ column: Int) -> Character {
        grid.indices.contains(row) && grid[row].indices.contains(column) ? grid[row][column] : " "
    }

    private func label(at row: Int, _ column: Int) -> Label? {
        labels.first { $0.row == row && $0.columns.contains(column) }
    }

    /// Where lines leave a label: beside it behind a space, above and below it right at a letter.
    private func exits(of label: Label) -> [(Int, Int, Direction)] {
        var exits: [(Int, Int, Direction)] = []
        let (row, first, last) = (label.row, label.columns.lowerBound, label.columns.upperBound)
        if "─◄".contains(at(row, first - 2)) { exits.append((row, first - 2, .west)) }
        if "─►".contains(at(row, last + 2)) { exits.append((row, last + 2, .east)) }
        for column in label.columns {
            if "│▲".contains(at(row - 1, column)) { exits.append((row - 1, column, .north)) }
            if "│▼".contains(at(row + 1, column)) { exits.append((row + 1, column, .south)) }
        }
        return exits
    }

    /// The words that a line leads to, and whether it ends with a head there; nil where it breaks off.
    private func follow(
        _ row: Int, _ column: Int, _ direction: Direction
    ) -> (label: Label, hasHead: Bool)? {
        var (row, column, direction, hasHead) = (row, column, direction, false)
        while true {
            if let end = label(at: row, column) { return (end, hasHead) }
            switch at(row, column) {
            case "►" where direction == .east, "◄" where direction == .west, "▲" where direction == .north,
                "▼" where direction == .south:
                hasHead = true
            case "─" where direction.down == 0, "│" where direction.right == 0: break
            case "┌" where direction == .north, "└" where direction == .south: direction = .east
            case "┐" where direction == .north, "┘" where direction == .south: direction = .west
            case "┌" where direction == .west, "┐" where direction == .east: direction = .south
            case "└" where direction == .west, "┘" where direction == .east: direction = .north
            case " " where direction.down == 0 && label(at: row, column + direction.right) != nil: break
            default: return nil
            }
            row += direction.down
            column += direction.right
        }
    }
}
