/// Bytes that are a JSON text already. They are printed as they are: no library reads their numbers and writes
/// others.
package struct RawJSON {
    /// The text as it goes out.
    package let bytes: [UInt8]
    /// Bytes that the caller has checked to be one JSON value.
    package init(bytes: [UInt8]) { self.bytes = bytes }
}

/// JSON as the programs print it.
package enum JSONWriter {
    /// - Parameter value: text, number, truth, nil, `RawJSON`, or lists and objects of these.
    package static func append(_ value: Any, to out: inout [UInt8]) {
        switch value {
        case let raw as RawJSON: out += raw.bytes
        case let text as String: out += JSONString.encoded(text).utf8
        case let truth as Bool: out += (truth ? "true" : "false").utf8
        case let number as any BinaryInteger: out += "\(number)".utf8
        // JSON has no word for a number that is none.
        case let number as Double: out += (number.isFinite ? "\(number)" : "null").utf8
        case let list as [Any]:
            separated(list, "[", "]", &out) { append($0, to: &$1) }
        case let object as [String: Any]:
            separated(object.sorted { $0.key < $1.key }, "{", "}", &out) { member, out in
                out += JSONString.encoded(member.key).utf8
                out.append(UInt8(ascii: ":"))
                append(member.value, to: &out)
            }
        default: out += "null".utf8
        }
    }

    private static func separated<Part>(
        _ parts: [Part], _ opening: String, _ closing: String, _ out: inout [UInt8],
        _ one: (Part, inout [UInt8]) -> Void
    ) {
        out += opening.utf8
        for (index, part) in parts.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            one(part, &out)
        }
        out += closing.utf8
    }
}
