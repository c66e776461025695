/// Error texts as the stores keep them. Both drivers clean with this, so that they hold the same bytes.
package enum ErrorText {
    /// Without NUL, which Postgres' `text` has no room for, and cut to so many bytes of UTF-8 between two Unicode
    /// scalars. A text that needs neither comes back as it is.
    package static func clean(_ text: String, upTo bytes: Int = Limits.errorBytes) -> String {
        let utf8 = text.utf8
        let whole =
            utf8.contains(0)
            ? String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value != 0 })) : text
        guard whole.utf8.count > bytes else { return whole }
        var end = whole.utf8.index(whole.utf8.startIndex, offsetBy: bytes)
        // A continuation byte begins with the bits 10: step back to where its scalar begins.
        while whole.utf8[end] & 0xC0 == 0x80 { end = whole.utf8.index(before: end) }
        return String(whole[..<end])
    }
}
