import TallyCommandLine
import TallyCore
import Tallystick

/// One line of `enqueue --stdin`: a JSON object. Each value is taken as its own bytes.
enum JobLine {
    /// U+FEFF in UTF-8, with which some editors begin a file.
    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    static func record(_ line: [UInt8]) throws -> JobRecord {
        if line.starts(with: byteOrderMark) {
            throw Usage("column 1: a byte order mark (U+FEFF), which may stand only before the first line")
        }
        let object: JSONObject
        do {
            object = try JSONObject(line)
        } catch {
            throw Usage("column \(error.column): \(error.why)")
        }
        var draft = JobDraft()
        for member in object.members {
            guard let field = JobField.byName[member.name] else {
                throw Usage("unknown field \(Output.printable(member.name))")
            }
            let bytes = Array(line[member.value])
            // What is null is not given; a payload may be null.
            if bytes == Array("null".utf8), !field.name.hasPrefix("payload") { continue }
            do {
                try field.set(&draft, Said(name: field.name, value: .json(bytes)))
            } catch {
                let column = JSONFault(line, at: member.value.lowerBound, "").column
                throw Usage("column \(column): \(error)")
            }
        }
        return try draft.finished(type: "the field type")
    }
}
