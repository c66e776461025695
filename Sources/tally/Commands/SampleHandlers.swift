import Foundation
import TallyCommandLine
import Tallystick

/// The handlers of `tally worker run`: enough to try everything without writing code.
enum SampleHandlers {
    static let all = [echo, fail, sleep]

    /// Prints the body and stores it as the result.
    static let echo = JobHandler("echo") { context in
        Output.note(
            "echo \(context.id) attempt \(context.attempt): "
                + Output.printable(String(decoding: context.body, as: UTF8.self)))
        try context.complete(bytes: context.body)
    }

    static let fail = JobHandler("fail") { context in
        struct Asked: Error, CustomStringConvertible { let description: String }
        let text = String(decoding: context.body, as: UTF8.self)
        if text.contains("\"final\"") { throw JobError.final("asked to fail for good") }
        throw Asked(description: "asked to fail")
    }

    /// Body: milliseconds as a number, `{"ms":1500}`, `{"duration":"1.5s"}`, or nothing for 250 ms.
    static let sleep = JobHandler("sleep") { context in
        guard let time = duration(context.body) else { throw JobError.final("sleep: the body names no time") }
        try await Task.sleep(for: time)
    }

    static func duration(_ body: [UInt8]) -> Duration? {
        let text = String(decoding: body, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text.isEmpty || text == "null" || text == "{}" { return Limits.sampleSleep }
        // not JSON: the caller says so
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        else { return nil }
        func milliseconds(_ value: Any?) -> Duration? {
            guard let number = (value as? NSNumber)?.doubleValue, number >= 0, number < 1e9 else {
                return nil
            }
            return .microseconds(Int64(number * 1000))
        }
        if let fields = value as? [String: Any] {
            if let text = fields["duration"] as? String { return Duration(human: text) }
            return milliseconds(fields["ms"])
        }
        return milliseconds(value)
    }
}
