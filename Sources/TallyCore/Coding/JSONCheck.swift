/// Whether bytes are JSON that Postgres' `jsonb` can hold. One pass: it stands on the enqueue path.
///
/// The body itself is kept to the bit whatever the verdict; the verdict only decides its searchable projection.
public enum JSONCheck {
    /// What the bytes are to Postgres.
    public enum Verdict: Hashable, Sendable {
        /// `jsonb` holds them as they are.
        case fits
        /// Valid JSON with `\u0000` or a lone surrogate, which `jsonb` has no room for; a number beyond its range;
        /// too deep.
        case notRepresentable(String)
        /// They are no JSON text at all, such as the bytes of another codec.
        case notJSON
    }

    /// Judges the bytes as one JSON text with white space around it. It never fails, and nesting cannot exhaust its
    /// stack.
    public static func verdict(_ bytes: [UInt8]) -> Verdict {
        do {
            guard let why = try problem(bytes) else { return .fits }
            return .notRepresentable(why)
        } catch {
            return .notJSON
        }
    }

    /// Where and why bytes are no JSON text; nil if they are one, also one that `jsonb` cannot hold.
    package static func fault(_ bytes: [UInt8]) -> JSONFault? {
        do {
            _ = try problem(bytes)
            return nil
        } catch {
            return JSONFault(bytes, at: error.at, "\(error.why)")
        }
    }

    private static func problem(_ bytes: [UInt8]) throws(JSONScanner.Invalid) -> String? {
        let result: Result<String?, JSONScanner.Invalid> = bytes.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes: bytes)
            do throws(JSONScanner.Invalid) {
                scanner.space()
                try scanner.value()
                scanner.space()
            } catch {
                return .failure(error)
            }
            if scanner.at != bytes.count { return .failure(scanner.invalid("more text after the value")) }
            return .success(scanner.problem)
        }
        return try result.get()
    }
}

/// What is wrong with a JSON text, and where: lines and columns count from 1, columns in characters.
package struct JSONFault: Error, Hashable, CustomStringConvertible {
    /// From 1.
    package let line: Int
    /// From 1, in characters, so that an editor's cursor goes there.
    package let column: Int
    /// What was expected, or what stands there that must not.
    package let why: String

    /// A fault at the byte `offset`, which is turned into line and column.
    package init(_ bytes: [UInt8], at offset: Int, _ why: String) {
        let before = bytes.prefix(offset)
        let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
        line = before.count { $0 == 10 } + 1
        // Continuation bytes of UTF-8 begin no character.
        column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
        self.why = why
    }

    package var description: String { "line \(line), column \(column): \(why)" }
}
