import Tallystick
enum ConformanceCommand: Command {
    static let name = "conformance"
    static let summary = "conformance"
    static let help = ""
    static func run(_ arguments: Arguments) async throws {}
}
