/// Error texts as every store can hold them.
package enum ErrorText {
    /// Without NUL, and cut to `Limits.errorBytes` at a character's border.
    package static func clean(_ text: String) -> String {
        var clean = text
        if clean.utf8.contains(0) { clean = String(clean.unicodeScalars.filter { $0.value != 0 }.map(Character.init)) }
        if clean.utf8.count <= Limits.errorBytes { return clean }
        var kept = ""
        var bytes = 0
        for character in clean {
            bytes += character.utf8.count
            if bytes > Limits.errorBytes { break }
            kept.append(character)
        }
        return kept
    }
}
