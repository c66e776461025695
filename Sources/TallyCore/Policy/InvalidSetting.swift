/// A setting that cannot be used. The text names it, what is wrong, and how to mend it; it never holds a password.
public struct InvalidSetting: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the setting is called, or the file and the line that set it.
    public let setting: String
    /// What is wrong with it and how to mend it.
    public let why: String
    /// A refusal; `why` must not quote an address.
    public init(_ setting: String, _ why: String) {
        self.setting = setting
        self.why = why
    }
    public var description: String { "\(setting): \(why)" }
}
