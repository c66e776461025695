import Foundation
import Testing

@Suite(.onOwnThread) struct `The page on testing handlers` {
    static let path = "Sources/Tallystick/Tallystick.docc/TestingHandlers.md"

    @Test func `shows only Swift that is compiled and run`() throws {
        let example = try Self.code(Tree.text("Tests/ExampleTests/HandlerExampleTests.swift"))
        let blocks = try Tree.text(Self.path).matches(#"```swift\n([\s\S]*?)```"#).map { Self.code($0[0]) }

        #expect(blocks.count >= 4)
        for block in blocks { #expect(example.contains(block), "\(block)") }
    }

    /// Without indentation, and without blank lines around it.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
            .trimmingCharacters(in: .newlines)
    }
}
