import TallyCore
import Testing

@testable import TallyMemory

@Suite struct `The queue in memory` {}
