import CQueueFunctions

/// The Lua functions, as one text: `Functions/library.lua`, then one file a verb.
enum FunctionLibrary {
    static let name = "tally_v1"
    static let text = String(cString: tally_function_library())
    static func function(_ verb: String) -> String { "\(name)_\(verb)" }
}
