import CQueueFunctions
import TallyCore

/// The Lua functions, as one text: `Functions/library.lua` and what verbs share, then one file a verb.
///
/// A name is the whole server's: a program that replaced a library of its name would take the functions from under
/// every other version of itself, and they would replace each other's for ever. So the name carries the digest of
/// the text. Two texts never share a name, an equal name is an equal text, and no text is ever replaced.
package enum FunctionLibrary {
    /// `tally_` and the digest of the text; each connection bears it as its client name, so that no program removes a
    /// library which is in use.
    package static let name = libraryName(of: source)
    static let text = "#!lua name=\(name)\nlocal NAME = '\(name)_'\n" + source
    /// What `FCALL` names the function of a verb.
    package static func function(_ verb: String) -> String { "\(name)_\(verb)" }

    private static let source = String(cString: tally_function_library())
    private static let stem = "tally_"

    private static func libraryName(of text: String) -> String {
        let digits = String(XXH64.hash(Array(text.utf8)), radix: 16)
        return stem + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Which libraries of other texts may go: those of our naming whose name no connection bears.
    ///
    /// `tally_v1`, the one name of the time before digests, is never among them, for its programs bear no name.
    static func unused(among libraries: [String], named connections: Set<String>) -> [String] {
        libraries.filter { library in
            let digest = library.dropFirst(stem.count)
            return library.hasPrefix(stem) && digest.utf8.count == 16
                && digest.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
                && library != name && !connections.contains(library)
        }
    }
}
