import Tallystick
enum DemoCommand: Command {
    static let name = "demo"
    static let summary = "demo"
    static let help = ""
    static func run(_ arguments: Arguments) async throws {}
}
