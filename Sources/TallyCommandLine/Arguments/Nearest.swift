import TallyCore

/// Which word somebody may have meant whose own is none.
package enum Nearest {
    /// The one of the words that needs the fewest slips to become what was typed, or the only one that begins so; nil
    /// where none is near. Of several that are equally near it is the first.
    ///
    /// - Parameter typed: any text; one that is longer than `Limits.likenedBytes` is like no word of ours.
    package static func word(to typed: String, among words: [String]) -> String? {
        let own = Array(typed.lowercased().utf8)
        if own.isEmpty || own.count > Limits.likenedBytes { return nil }
        let most = min(Limits.slips, (own.count + 1) / 3)
        var best: (word: String, slips: Int)?
        for word in words {
            let least = (best?.slips ?? most + 1) - 1
            if least < 0 { break }
            guard let slips = slips(own, Array(word.utf8), atMost: least) else { continue }
            best = (word, slips)
        }
        if let best { return best.word }
        let begun = words.filter { own.count > 1 && $0.utf8.starts(with: own) }
        return begun.count == 1 ? begun[0] : nil
    }

    /// `; did you mean …?` with the word as it is to be typed; nothing where none is near.
    package static func hint(_ typed: String, among words: [String], as shown: (String) -> String) -> String {
        word(to: typed, among: words).map { "; did you mean \(shown($0))?" } ?? ""
    }

    /// How many letters were left out, added, mistaken, or changed places with their neighbours; nil beyond `most`.
    private static func slips(_ typed: [UInt8], _ word: [UInt8], atMost most: Int) -> Int? {
        if abs(typed.count - word.count) > most { return nil }
        // Rows of the table of distances: two back, one back, and the one that is being filled.
        var earlier: [Int] = []
        var above = Array(0...word.count)
        for (row, letter) in typed.enumerated() {
            var line = [row + 1]
            for (column, other) in word.enumerated() {
                var least = min(above[column + 1], line[column]) + 1
                least = min(least, above[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == word[column - 1], typed[row - 1] == other {
                    least = min(least, earlier[column - 1] + 1)
                }
                line.append(least)
            }
            // No later row is better than the best of this one and the one above, by more than a change of places.
            if min(line.min() ?? 0, above.min() ?? 0) > most { return nil }
            (earlier, above) = (above, line)
        }
        return above[word.count] <= most ? above[word.count] : nil
    }
}
