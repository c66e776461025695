import Tallystick
enum BenchCommand: Command {
    static let name = "bench"
    static let summary = "measure"
    static let help = ""
    static func run(_ arguments: Arguments) async throws {}
}
