import TallyCore

/// What of a body stands in the `payload` column: the body itself where `jsonb` can hold it, else a marker that says
/// why not. The body is kept to the bit either way.
struct Projection {
    /// nil: the bytes are the projection.
    let marker: String?

    init(of body: [UInt8], codec: String) {
        let why: String
        if codec != "json" {
            why = "codec \(codec)"
        } else {
            switch JSONCheck.verdict(body) {
            case .fits:
                marker = nil
                return
            case .notRepresentable(let what): why = what
            case .notJSON: why = "not JSON"
            }
        }
        marker = "{\"$unrepresentable\": \(JSONText.quoted(why)), \"bytes\": \(body.count)}"
    }
}

/// The little JSON that the driver itself writes.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\0": out += "\u{FFFD}"  // jsonb cannot hold it
            case "\u{1}"..."\u{1F}":
                let code = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
    static func counts(_ counts: [String: Int]) -> String {
        "{" + counts.map { "\(quoted($0)): \($1)" }.sorted().joined(separator: ", ") + "}"
    }
    static func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ",") + "]" }
}

extension UniqueKey {
    /// µs; -1 = until terminal, -2 = for ever: as in the record's packed form.
    var storedLifetime: Int64 {
        switch lifetime {
        case .untilTerminal: -1
        case .forever: -2
        case .lasting(let time): max(1, time.microseconds)
        }
    }
    init?(_ text: String, stored lifetime: Int64) {
        switch lifetime {
        case -1: self.init(text, .untilTerminal)
        case -2: self.init(text, .forever)
        default: self.init(text, .lasting(.microseconds(lifetime)))
        }
    }
}
