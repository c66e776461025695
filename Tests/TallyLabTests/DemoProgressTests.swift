import TallyCore
import Testing

@testable import TallyLab

@Suite struct `The demo` {
    private let began = Timestamp(microseconds: 1_800_000_000_000_000)

    @Test func `says how long it took until the first job was completed, and in all`() {
        let progress = DemoProgress()
        _ = progress.saw(done: 2, completed: 0, running: 1)
        #expect(progress.firstCompletion == nil)  // those that had to fail are done, too

        _ = progress.saw(done: 3, completed: 1, running: 1)
        let first = progress.firstCompletion
        _ = progress.saw(done: 9, completed: 7, running: 0)

        #expect(first != nil && progress.firstCompletion == first)
        #expect(
            DemoProgress.times(from: began, first: began + .seconds(95), to: began + .milliseconds(240_400))
                == "first job completed after 95 s, all of it 240 s")
    }

    @Test func `says that no job was completed where none was`() {
        #expect(
            DemoProgress.times(from: began, first: nil, to: began + .seconds(3))
                == "no job was completed, all of it 3 s")
    }
}
