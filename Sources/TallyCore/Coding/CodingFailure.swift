/// What a codec threw, in words that may be logged and stored: which kind of failure, of which type, and at which
/// keys. The error's own words quote the value, or may, and that is a payload: they are never repeated.
package enum CodingFailure {
    /// Of a codec that anybody may have written: where the kind of its error is not known, its type is all that is
    /// told.
    package static func text(_ error: any Error) -> String { known(error) ?? "\(type(of: error))" }

    /// Of an error that may be anything; nil = it is none of the two that quote values.
    package static func known(_ error: any Error) -> String? {
        switch error {
        case EncodingError.invalidValue(let value, let context):
            "a value of type \(type(of: value)) is not one that can be written" + place(context.codingPath)
        case let error as EncodingError: "\(type(of: error))"
        case DecodingError.typeMismatch(let type, let context):
            "no \(type) stands there" + place(context.codingPath)
        case DecodingError.valueNotFound(let type, let context):
            "null stands in the place of a value of type \(type)" + place(context.codingPath)
        case DecodingError.keyNotFound(let key, let context):
            "the key `\(key.stringValue)` is missing" + place(context.codingPath)
        case DecodingError.dataCorrupted(let context):
            "the bytes are not what the codec reads" + place(context.codingPath)
        case let error as DecodingError: "\(type(of: error))"
        default: nil
        }
    }

    /// ` at lines[3].price`; nothing at the top.
    private static func place(_ path: [any CodingKey]) -> String {
        if path.isEmpty { return "" }
        var text = ""
        for key in path {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return " at " + text
    }
}
