import Foundation
import TallyCommandLine
import TallyCore
import Tallystick

/// A value as it was given, and what to call it in a refusal. Every reader takes it exactly or refuses it by name.
struct Said {
    enum Value {
        /// A word of the command line.
        case word([UInt8])
        /// A JSON value's own bytes.
        case json([UInt8])
    }
    let name: String
    let value: Value

    func text() throws(Usage) -> String {
        switch value {
        case .word(let bytes): return String(decoding: bytes, as: UTF8.self)  // checked by `Arguments`
        case .json(let bytes):
            guard bytes.first == UInt8(ascii: "\"") else { throw Usage("\(name) must be a text") }
            guard let text = JSONString.decoded(bytes[...]) else {
                throw Usage("\(name) holds half a surrogate pair")
            }
            return text
        }
    }

    func texts() throws(Usage) -> [String] {
        guard case .json(let bytes) = value else { return [try text()] }
        guard let ranges = JSONObject.elements(bytes) else { throw Usage("\(name) must be a list of texts") }
        var found: [String] = []
        for range in ranges {
            found.append(try Said(name: "each of \(name)", value: .json(Array(bytes[range]))).text())
        }
        return found
    }

    func whole(in range: ClosedRange<Int>) throws(Usage) -> Int {
        let text =
            switch value {
            case .word(let bytes), .json(let bytes): String(decoding: bytes, as: UTF8.self)
            }
        guard let number = Int(text), range.contains(number) else {
            throw Usage(
                "\(name) \(Output.printable(text)): must be a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return number
    }

    func time() throws(Usage) -> Timestamp {
        let text = try textOrNumber()
        guard let time = Timestamp(text) else { throw .noTime(name, text) }
        return time
    }

    func duration() throws(Usage) -> Duration {
        let text = try textOrNumber()
        guard let time = Duration(human: text) else { throw .noDuration(name, text) }
        return time
    }

    private func textOrNumber() throws(Usage) -> String {
        if case .json(let bytes) = value, let first = bytes.first, first == 45 || first >= 48 && first <= 57 {
            return String(decoding: bytes, as: UTF8.self)
        }
        return try text()
    }

    /// Of a file to read. Whoever types a command may read what it names; a line may come from somebody else, who
    /// would read by it whatever this process may, or keep it waiting for ever at a pipe.
    func path() throws(Usage) -> String {
        guard case .word = value else {
            throw Usage(
                "\(name): a line names no file, it may come from elsewhere; put the bytes into the line as "
                    + "payload_base64, payload_text or payload, or enqueue this job by itself with --payload-file"
            )
        }
        return try text()
    }

    // MARK: Headers

    /// `NAME=VALUE` as it is; of a line, an object of texts.
    func headers() throws(Usage) -> [(name: String, value: [UInt8])] {
        try headers { said throws(Usage) in try said.plainBytes() }
    }

    func headersInBase64() throws(Usage) -> [(name: String, value: [UInt8])] {
        try headers { said throws(Usage) in try said.base64() }
    }

    private func headers(
        _ value: (Said) throws(Usage) -> [UInt8]
    ) throws(Usage) -> [(name: String, value: [UInt8])] {
        switch self.value {
        case .word(let bytes):
            guard let end = bytes.firstIndex(of: UInt8(ascii: "=")),
                let name = String(validating: bytes[..<end], as: UTF8.self)
            else { throw Usage("\(name) must be NAME=VALUE") }
            return [
                (
                    name,
                    try value(Said(name: "\(self.name) \(name)", value: .word(Array(bytes[(end + 1)...]))))
                )
            ]
        case .json(let bytes):
            // The line that it stands in was JSON: what fails here is a name that stands twice.
            guard bytes.first == UInt8(ascii: "{"), let object = try? JSONObject(bytes) else {
                throw Usage("\(name) must be an object of texts that names none twice")
            }
            var found: [(name: String, value: [UInt8])] = []
            for member in object.members {
                let said = Said(name: "\(name).\(member.name)", value: .json(Array(bytes[member.value])))
                found.append((member.name, try value(said)))
            }
            return found
        }
    }

    // MARK: Payloads

    /// A word as it is, `-` for standard input; of a line, the JSON value's own bytes.
    func payload() throws -> [UInt8] {
        switch value {
        case .word(let bytes): bytes == [UInt8(ascii: "-")] ? try PayloadFile.standardInput() : bytes
        case .json(let bytes): bytes
        }
    }

    /// A word as it is; of a line, the text's own UTF-8.
    func plainBytes() throws(Usage) -> [UInt8] {
        switch value {
        case .word(let bytes): bytes
        case .json: Array(try text().utf8)
        }
    }

    func json() throws(Usage) -> [UInt8] {
        switch value {
        case .word(let bytes):
            if let fault = JSONCheck.fault(bytes) { throw Usage("\(name): not JSON: \(fault)") }
            return bytes
        case .json(let bytes): return bytes
        }
    }

    func base64() throws(Usage) -> [UInt8] {
        let text = try text()
        // Foundation takes padding without anything before it, and bits behind the last byte: two texts would be one
        // payload.
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else {
            throw Usage("\(name): not base64 of RFC 4648 section 4, padded with =")
        }
        return Array(data)
    }
}

/// Payloads that are read, up to the bound of a body.
enum PayloadFile {
    static func bytes(at path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw problem(path) }
        defer { close(descriptor) }
        return try bytes(of: descriptor, path)
    }

    static func standardInput() throws -> [UInt8] { try bytes(of: 0, "standard input") }

    private static func bytes(of descriptor: Int32, _ name: String) throws -> [UInt8] {
        var found: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw problem(name) }
            if count == 0 { return found }
            found += part[..<count]
            if found.count > Limits.bodyBytes {
                throw Usage("\(name): a payload has at most \(Limits.bodyBytes) bytes")
            }
        }
    }

    private static func problem(_ name: String) -> Usage {
        Usage("\(Output.printable(name)) cannot be read: \(String(cString: strerror(errno)))")
    }
}
