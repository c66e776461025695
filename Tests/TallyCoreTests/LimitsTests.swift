import Testing
@testable import TallyCore
@Test func placeholder() { #expect(Limits.priorities == JobPriority.allCases.count) }
