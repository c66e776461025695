/// A setting that cannot be used. The text names it, what is wrong, and how to mend it; it never holds a password.
public struct InvalidSetting: Error, Hashable, Sendable, CustomStringConvertible {
    public let setting: String
    public let why: String
    public init(_ setting: String, _ why: String) {
        self.setting = setting
        self.why = why
    }
    public var description: String { "\(setting): \(why)" }
}
