import TallyCommandLine
import TallyCore
import Tallystick

/// One line of `enqueue --stdin`: a JSON object. Each value is taken as its own bytes.
enum JobLine {
    static func record(_ line: [UInt8]) throws -> JobRecord {
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
