import Foundation
import Testing

@Suite(.onOwnThread) struct `The pages on handlers, workers and drivers` {
    @Test(arguments: [
        ("TestingHandlers", "HandlerExampleTests", 4), ("Workers", "WorkerExampleTests", 3),
        ("WritingADriver", "(Driver/.*|ToyQueueTests)", 10), ("GettingStarted", "Samples/Invoice/main", 1),
        ("AnyLanguage", "LanguageExampleTests", 2),
        ("TestingJobs", "TestingJobsExampleTests", 4),
        ("WritingJobs", "(JobExampleTests|HandlerExampleTests|Samples/PlaceOrder)", 4),
    ])
    func `show only Swift that is compiled and run`(_ page: String, _ files: String, _ least: Int) throws {
        let example = try Tree.files("Tests/ExampleTests", "swift").filter {
            $0.holds("^Tests/ExampleTests/\(files)\\.swift$")
        }.map { try Self.code(Tree.text($0)) }.joined(separator: "\n\n")
        let text = try Tree.text("Sources/Tallystick/Tallystick.docc/\(page).md")
        let blocks = text.matches(#"```swift\n([\s\S]*?)```"#).map { Self.code($0[0]) }

        #expect(blocks.count >= least)
        for block in blocks { #expect(example.contains(block), "\(block)") }
    }

    @Test func `test the jobs of an application in ten lines`() throws {
        let page = try Tree.text("Sources/Tallystick/Tallystick.docc/TestingJobs.md")
        let block = try #require(page.matches(#"```swift\n([\s\S]*?)```"#).first)

        #expect(block[0].contains("@Test") && block[0].contains("import TallyTesting"))
        #expect(block[0].split(separator: "\n").count <= 10)
    }

    @Test(arguments: ["AnyLanguage", "GettingStarted"])
    func `show only Python that is run`(_ name: String) throws {
        let programs = try Tree.files("Tests/ExampleTests/TaskFlow", "py").map { try Tree.text($0) }.joined()
        let page = try Tree.text("Sources/Tallystick/Tallystick.docc/\(name).md")
        let blocks = page.matches(#"```python\n([\s\S]*?)```"#).map { $0[0] }

        #expect(!blocks.isEmpty)
        for block in blocks { #expect(programs.contains(block), "\(block)") }
    }

    /// Without indentation, and without blank lines around it.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
            .trimmingCharacters(in: .newlines)
    }
}
