import TallyCore
import TallyRuntime

/// What a server answered to one attempt.
struct HTTPAnswer: Sendable {
    /// Where it was asked, as a message may show it.
    var target: String
    var status: Int
    var body: [UInt8]
    /// How long it wishes not to be asked again, `Limits.httpRetryAfter` at most; nil where it did not say.
    var retryAfter: Duration?

    /// The result of the job. Pure.
    ///
    /// - Throws: what the answer means for its job where it did not complete it.
    func result() throws -> [UInt8] {
        switch status {
        case 200..<300: return body
        // The others of their hundred send nobody elsewhere, such as a 304.
        case 301, 302, 303, 307, 308: throw JobError.final("\(text); redirects are not followed")
        case 101: throw JobError.final("\(text), which changes to a protocol that nobody asked for")
        case 408, 425, 429, 500..<600:
            if let retryAfter { throw JobError.retry(text, after: retryAfter) }
            throw HTTPFailed(text)
        default: throw JobError.final(text)
        }
    }

    private var text: String {
        let head = String(decoding: body.prefix(Limits.httpReasonBytes), as: UTF8.self)
        let reason = head.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
        return "POST \(target) was answered \(status)\(reason)"
    }
}

/// Why an attempt failed whose handler is a server: what it answered, or what kept it from being reached. It holds no
/// credentials, and of the address neither the query nor the fragment.
public struct HTTPFailed: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address and what came of it.
    public let description: String

    init(_ description: String) { self.description = description }
}
